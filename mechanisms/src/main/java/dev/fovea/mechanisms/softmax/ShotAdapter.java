package dev.fovea.mechanisms.softmax;

import dev.fovea.api.Attention;
import dev.fovea.api.Names;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Example;
import dev.fovea.mechanisms.Inputs;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.mechanisms.Port.Kind;
import dev.fovea.mechanisms.Sampler;
import dev.fovea.mechanisms.Values;
import java.util.Map;

/**
 * ShotAdapter: texts, transitions and frames of several shots in one sequence; each text sees its shot, each transition the frames at its cut.
 *
 * <pre>
 * visible: video and video;  text and text, text and video of one shot;  a transition and itself;
 *          a transition at frame f and the video of frames f - before .. f + after - 1, both ways
 * </pre>
 *
 * @param before frames before the cut that a transition sees
 * @param after frames from the cut on that a transition sees
 */
public record ShotAdapter(int before, int after) implements Mechanism {
    private static final int VIDEO = 0;
    private static final int TEXT = 1;
    private static final int TRANSITION = 2;

    private static final Parameter<Integer> BEFORE =
            Parameter.integer("before", 0, 0, 1 << 20, "frames before the cut that a transition sees");
    private static final Parameter<Integer> AFTER = Parameter.integer(
            "after", 1, 0, 1 << 20, "frames from the first of the new shot on that a transition sees");

    private static final Declaration DECLARATION = Declaration.of(
                    "shotadapter", "softmax", "ShotAdapter: Text-to-Multi-Shot Video Generation with Diffusion Models")
            .equation("""
                    O = softmax(q k' / sqrt(D) where visible) v
                    visible: video and video;  text and text, text and video of one shot;  a transition and itself;
                             a transition at frame f and the video of frames f - before .. f + after - 1, both ways
                    """)
            .citation("Kara et al. 2025")
            .input("query", "B H N D", "queries of the joint sequence, in any order")
            .input("key", "B H N D", "keys")
            .input("value", "B H N Dv", "values")
            .input("kind", Kind.I32, "B N", "0 video, 1 text, 2 transition", sampled(0))
            .input("shot", Kind.I32, "B N", "shot of a text or video token; not read for a transition", sampled(1))
            .input(
                    "frame",
                    Kind.I32,
                    "B N",
                    "frame of a video token, first frame of the new shot for a transition; not read for a text",
                    sampled(2))
            .output("output", "B H N Dv", "attention")
            .parameter(BEFORE)
            .parameter(AFTER)
            .note(
                    "The paper does not say how many frames at a cut a transition sees: the first of the new shot is assumed, before and after"
                            + " change that. That a transition sees no text and no other transition is assumed too.")
            .note("Text encoders, projections and position embedding stay with the caller.")
            .example("B=1 H=2 N=25 D=8 Dv=8 T=3 F=3 P=2")
            .example("B=2 H=1 N=41 D=4 Dv=6 T=2 F=4 P=3; before=2 after=1")
            .example("B=1 H=1 N=30 D=4 Dv=4 T=2 F=4 P=2; before=1 after=3")
            .build();

    public ShotAdapter {
        BEFORE.check(before);
        AFTER.check(after);
    }

    public ShotAdapter() {
        this(BEFORE.standard(), AFTER.standard());
    }

    /** Three shots: their texts of T tokens, two transitions, then frames of P tokens, F to a shot. */
    private static Sampler sampled(int column) {
        return (random, count, example) -> Sampler.fill(count, i -> token(i % example.size("N"), example)[column]);
    }

    private static int[] token(int i, Example e) {
        int texts = 3 * e.size("T");
        if (i < texts) {
            int shot = i / e.size("T");
            return new int[] {TEXT, shot, shot * e.size("F")}; // a cut's frame, which a text must not be taken for
        }
        if (i < texts + 2) {
            int next = i - texts + 1;
            return new int[] {TRANSITION, next, next * e.size("F")};
        }
        int frame = (i - texts - 2) / e.size("P");
        return new int[] {VIDEO, Math.min(frame / e.size("F"), 2), frame};
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public ShotAdapter with(Values parameters) {
        return new ShotAdapter(parameters.get(BEFORE), parameters.get(AFTER));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        String mask = "kind[b, q] == 0 && kind[b, k] == 0"
                + " || kind[b, q] < 2 && kind[b, k] < 2 && shot[b, q] == shot[b, k]"
                + " || q == k"
                + " || kind[b, q] == 2 && kind[b, k] == 0 && " + near("k", "q")
                + " || kind[b, q] == 0 && kind[b, k] == 2 && " + near("q", "k");
        Names names = Names.of("kind", in.get("kind"))
                .with("shot", in.get("shot"))
                .with("frame", in.get("frame"))
                .with("before", before)
                .with("after", after);
        Attention options = Attention.full().visibleWhere(mask, names);
        return Map.of("output", ops.attend(in.get("query"), in.get("key"), in.get("value"), options));
    }

    private static String near(String video, String transition) {
        String distance = "frame[b, " + video + "] - frame[b, " + transition + "]";
        return "-before <= " + distance + " && " + distance + " < after";
    }
}
