package dev.fovea.mechanisms.local;

import dev.fovea.api.Attention;
import dev.fovea.api.Names;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Inputs;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.mechanisms.Port.Kind;
import dev.fovea.mechanisms.Sampler;
import dev.fovea.mechanisms.Values;
import java.util.Map;

/**
 * FreeSwim: windows of a video's frames that are moved inside the frame, beside a branch of full attention whose cross-attention both use.
 *
 * <pre>
 * visible: y - dy - max(0, dy + y - Y + 1) &lt;= y' &lt;= y + dy + max(0, dy - y), x alike, in all frames
 * window = softmax(c q k' where visible) v;  full = softmax(c q2 k2') v2;  c = sqrt(ln(effective) / ln(trained) / D)
 * cross = softmax(q3 k3' / sqrt(D)) v3, with queries of the full branch
 * </pre>
 *
 * @param halfHeight dy, rows to each side of a query
 * @param halfWidth dx, columns to each side of a query
 * @param trained tokens of a frame in training
 * @param effective tokens of a frame that the scale is corrected for
 * @param step what this step of the diffusion computes
 */
public record FreeSwim(int halfHeight, int halfWidth, int trained, int effective, Step step) implements Mechanism {
    /** What a step of the diffusion computes. */
    public enum Step {
        /** Both branches; cross-attention with the queries of the full one. */
        FULL,
        /** The window branch, which stands in for the full one; cross-attention as stored from an earlier step. */
        CACHED,
        /** The window branch alone, of which the queries of the cross-attention are: without a condition. */
        WINDOW
    }

    private static final Parameter<Integer> HALF_HEIGHT = Parameter.integer(
            "half_height", 15, 0, 1 << 20, "rows to each side of a query: half of the height in training");
    private static final Parameter<Integer> HALF_WIDTH = Parameter.integer(
            "half_width", 26, 0, 1 << 20, "columns to each side of a query: half of the width in training");
    private static final Parameter<Integer> TRAINED =
            Parameter.integer("trained", 30 * 52, 2, 1 << 30, "tokens of a frame in training");
    private static final Parameter<Integer> EFFECTIVE = Parameter.integer(
            "effective", 2 * 30 * 52, 2, 1 << 30, "tokens of a frame that the scale is corrected for");
    private static final Parameter<Step> STEP = Parameter.choice(
            "step",
            Step.FULL,
            "full: both branches; cached: the window branch and what was stored; window: the window branch alone, without a condition");

    private static final Declaration DECLARATION = Declaration.of(
                    "freeswim",
                    "local",
                    "FreeSwim: Revisiting Sliding-Window Attention Mechanisms for Training-Free Ultra-High-Resolution Video Generation")
            .equation("""
                    visible: y - dy - max(0, dy + y - Y + 1) <= y' <= y + dy + max(0, dy - y), x alike, in all frames
                    window = softmax(c q k' where visible) v;  full = softmax(c q2 k2') v2;  c = sqrt(ln(effective) / ln(trained) / D)
                    cross = softmax(q3 k3' / sqrt(D)) v3, with queries of the full branch
                    """)
            .citation("Wu et al. 2025; github.com/WillWu111/FreeSwim")
            .input("query", "B H T Y X D", "queries of the window branch: frames, rows, columns")
            .input("key", "B H T Y X D", "its keys")
            .input("value", "B H T Y X D", "its values")
            .optional(
                    "full_query",
                    Kind.REAL,
                    "B H T Y X D",
                    "queries of the full branch; read in a full step",
                    Sampler.normal())
            .optional("full_key", Kind.REAL, "B H T Y X D", "its keys", Sampler.normal())
            .optional("full_value", Kind.REAL, "B H T Y X D", "its values", Sampler.normal())
            .optional(
                    "cross_query",
                    Kind.REAL,
                    "B H T Y X D",
                    "queries of the cross-attention; not read in a cached step",
                    Sampler.normal())
            .optional("text_key", Kind.REAL, "B H W D", "keys of the text", Sampler.normal())
            .optional("text_value", Kind.REAL, "B H W D", "its values", Sampler.normal())
            .optional(
                    "stored_cross",
                    Kind.REAL,
                    "B H T Y X D",
                    "cross of an earlier step; read in a cached step",
                    Sampler.normal())
            .output("window", "B H T Y X D", "self-attention of the window branch")
            .output(
                    "full",
                    "B H T Y X D",
                    "self-attention of the full branch; the window branch's where that is not computed")
            .output("cross", "B H T Y X D", "cross-attention, which both branches take")
            .parameter(HALF_HEIGHT)
            .parameter(HALF_WIDTH)
            .parameter(TRAINED)
            .parameter(EFFECTIVE)
            .parameter(STEP)
            .note("In a frame that is smaller than the window, the window ends at the border.")
            .note(
                    "The scale is the released constant, sqrt(ln 3120 / ln 1560 / D), whatever the size of the video. Both branches of"
                            + " self-attention take it, cross-attention 1/sqrt(D).")
            .note(
                    "Projections, norms, rotary embedding and the layers between self- and cross-attention stay with the caller, and so does the"
                            + " choice of the steps that are full.")
            .example("B=1 H=2 T=2 Y=5 X=4 D=8 W=3; half_height=1 half_width=1")
            .example("B=1 H=1 T=2 Y=3 X=9 D=4 W=2; half_height=2 half_width=3 trained=20 effective=90 step=cached")
            .example("B=2 H=1 T=1 Y=7 X=6 D=4 W=5; half_height=2 half_width=1 trained=12 effective=50 step=window")
            .build();

    public FreeSwim {
        HALF_HEIGHT.check(halfHeight);
        HALF_WIDTH.check(halfWidth);
        TRAINED.check(trained);
        EFFECTIVE.check(effective);
    }

    public FreeSwim() {
        this(HALF_HEIGHT.standard(), HALF_WIDTH.standard(), TRAINED.standard(), EFFECTIVE.standard(), STEP.standard());
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public FreeSwim with(Values parameters) {
        return new FreeSwim(
                parameters.get(HALF_HEIGHT),
                parameters.get(HALF_WIDTH),
                parameters.get(TRAINED),
                parameters.get(EFFECTIVE),
                parameters.get(STEP));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        Attention full =
                Attention.full().scale((float) Math.sqrt(Math.log(effective) / Math.log(trained) / in.size("D")));
        Names names = Names.of("height", in.size("Y"))
                .with("width", in.size("X"))
                .with("dy", halfHeight)
                .with("dx", halfWidth);
        String mask = inward("(q // width % height)", "(k // width % height)", "dy", "height") + " && "
                + inward("(q % width)", "(k % width)", "dx", "width");
        Tensor window = attend(ops, in, "query", "key", "value", full.visibleWhere(mask, names));
        Tensor other = step == Step.FULL
                ? attend(ops, in, "full_query", "full_key", "full_value", full)
                : shown(ops, in, window);
        Tensor cross = step == Step.CACHED
                ? shown(ops, in, in.get("stored_cross"))
                : attend(ops, in, "cross_query", "text_key", "text_value", Attention.full());
        return Map.of("window", window, "full", other, "cross", cross);
    }

    private static Tensor attend(Operations ops, Inputs in, String query, String key, String value, Attention options) {
        Tensor output = ops.attend(rows(ops, in.get(query)), rows(ops, in.get(key)), rows(ops, in.get(value)), options);
        return shown(ops, in, output);
    }

    /** [B, H, tokens, D]. */
    private static Tensor rows(Operations ops, Tensor x) {
        long dim = x.size(x.rank() - 1);
        long tokens = 1;
        for (int axis = 2; axis < x.rank() - 1; axis++) {
            tokens *= x.size(axis);
        }
        return ops.reshape(x, x.size(0), x.size(1), tokens, dim);
    }

    /** [B, H, T, Y, X, D]. */
    private static Tensor shown(Operations ops, Inputs in, Tensor x) {
        return ops.reshape(x, in.get("query").shape());
    }

    /** How a point of an axis sees another: the window has one length wherever the axis has room for it. */
    private static String inward(String point, String other, String half, String size) {
        String low = point + " - " + half + " - max(0, " + half + " + " + point + " - " + size + " + 1)";
        String high = point + " + " + half + " + max(0, " + half + " - " + point + ")";
        return low + " <= " + other + " && " + other + " <= " + high;
    }
}
