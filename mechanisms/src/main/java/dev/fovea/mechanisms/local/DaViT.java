package dev.fovea.mechanisms.local;

import dev.fovea.api.DType;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Inputs;
import dev.fovea.mechanisms.LayerNorm;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.mechanisms.Port.Kind;
import dev.fovea.mechanisms.Sampler;
import dev.fovea.mechanisms.Values;
import java.util.Map;

/**
 * DaViT: attention within windows of an image, in the next block attention of channels to channels.
 *
 * <pre>
 * u = x + conv3x3(x);  z = norm(u);  y = u + attention(z) Wo + bo
 * window:  softmax(q k' / sqrt(d)) v within windows, tokens of zeros beyond the image
 * channel: A = softmax(k' v / sqrt(d)) over the last axis, [d, d] for each group of channels;  q A'
 * </pre>
 *
 * @param attention of tokens in windows or of channels
 * @param window pixels along each side of a window
 * @param heads heads, or groups of channels: a divisor of C
 */
public record DaViT(Over attention, int window, int heads) implements Mechanism {
    /** What attends. */
    public enum Over {
        /** Tokens to those of their window. */
        WINDOW,
        /** Channels to those of their group. */
        CHANNEL
    }

    private static final Parameter<Over> ATTENTION = Parameter.choice(
            "attention",
            Over.WINDOW,
            "window: tokens to those of their window; channel: channels to those of their group");
    private static final Parameter<Integer> WINDOW =
            Parameter.integer("window", 7, 1, 1 << 10, "pixels along each side of a window");
    private static final Parameter<Integer> HEADS =
            Parameter.integer("heads", 3, 1, 1 << 10, "heads or groups of channels, a divisor of C");
    private static final double EPSILON = 1e-5;

    private static final Declaration DECLARATION = Declaration.of(
                    "davit", "local", "DaViT: Dual Attention Vision Transformers")
            .equation("""
                    u = x + conv3x3(x);  z = norm(u);  y = u + attention(z) Wo + bo
                    window:  softmax(q k' / sqrt(d)) v within windows, tokens of zeros beyond the image
                    channel: A = softmax(k' v / sqrt(d)) over the last axis, [d, d] for each group of channels;  q A'
                    """)
            .citation("Ding et al. 2022; github.com/dingmyu/davit")
            .input("image", "B Y X C", "x: rows, columns, channels")
            .input(
                    "position_kernel",
                    Kind.REAL,
                    "3 3 C",
                    "depthwise convolution, zeros beyond the image",
                    Sampler.normal(0.4))
            .input("position_bias", "C", "its bias")
            .input("norm_gain", Kind.REAL, "C", "gain of the layer norm", Sampler.uniform(0.5, 1.5))
            .input("norm_bias", Kind.REAL, "C", "its bias", Sampler.normal(0.3))
            .input("weight", Kind.REAL, "4 C C", "projections of query, key, value and output", Sampler.normal(0.5))
            .input("bias", "4 C", "their biases")
            .output("output", "B Y X C", "y: the block up to its feed-forward layer")
            .parameter(ATTENTION)
            .parameter(WINDOW)
            .parameter(HEADS)
            .note(
                    "Tokens beyond the image are padded after the norm and before the projections and take part: their keys and values are the"
                            + " biases.")
            .note(
                    "Channels: as the released code, softmax of k'v times q, by 1/sqrt(d) of a group's channels; the paper writes q'k and v.")
            .note(
                    "A second convolution of the same kind and the feed-forward layer follow: the caller's. Window blocks and channel blocks"
                            + " alternate: a call for each.")
            .example("B=1 Y=5 X=7 C=6; window=3 heads=2")
            .example("B=2 Y=3 X=4 C=8; attention=channel heads=2")
            .build();

    public DaViT {
        WINDOW.check(window);
        HEADS.check(heads);
    }

    public DaViT() {
        this(ATTENTION.standard(), WINDOW.standard(), HEADS.standard());
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public DaViT with(Values parameters) {
        return new DaViT(parameters.get(ATTENTION), parameters.get(WINDOW), parameters.get(HEADS));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        Inputs.require(in.size("C") % heads == 0, "heads", "a divisor of C = " + in.size("C"), heads);
        Tensor image = in.get("image");
        Tensor u = PositionConvolution.of(ops, image, in.get("position_kernel"), in.get("position_bias"));
        Tensor tokens = ops.reshape(u, in.size("B"), (long) in.size("Y") * in.size("X"), in.size("C"));
        Tensor z = LayerNorm.of(ops, tokens, in.get("norm_gain"), in.get("norm_bias"), EPSILON);
        Projections layers = new Projections(ops, in.get("weight"), in.get("bias"), heads);
        Tensor attended = attention == Over.WINDOW
                ? layers.attend(z, new Blocks(in.size("Y"), in.size("X"), window))
                : channels(ops, z, layers);
        Tensor y = ops.map("u[h, q, d] + a[h, q, d]")
                .with("u", tokens)
                .with("a", attended)
                .like(tokens);
        return Map.of("output", ops.reshape(y, image.shape()));
    }

    /** The map of a group is [d, d], so it is written out; its products run over all tokens and are summed in f32. */
    private static Tensor channels(Operations ops, Tensor z, Projections layers) {
        Tensor q = layers.headsOf(z, Projections.QUERY);
        Tensor k = layers.headsOf(z, Projections.KEY);
        long dim = k.size(3);
        Tensor rows = ops.map("k[b, h, d, q] * scale")
                .with("k", k)
                .with("scale", 1 / Math.sqrt(dim))
                .to(DType.F32, k.size(0), k.size(1), dim, k.size(2));
        Tensor s = ops.matmul(rows, layers.headsOf(z, Projections.VALUE));
        Tensor e = ops.map("exp(s[b, h, q, d] - most[b, h, q])")
                .with("s", s)
                .with("most", ops.max(s, 3))
                .like(s);
        Tensor a = ops.map("e[b, h, q, d] / sum[b, h, q]")
                .with("e", e)
                .with("sum", ops.sum(e, 3))
                .like(e);
        return layers.of(ops.joinHeads(ops.matmul(q, ops.permute(a, 0, 1, 3, 2))), Projections.OUTPUT);
    }
}
