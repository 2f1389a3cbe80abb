package dev.fovea.mechanisms.softmax;

import dev.fovea.api.Attention;
import dev.fovea.api.DType;
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
 * Ouroboros-Diffusion's subject-aware cross-frame attention: a frame sees itself and the subject's tokens of its neighbours.
 *
 * <pre>
 * a[f, i] = mean over heads of the weight of the subject's words in softmax(q_cross k_text' / sqrt(D))
 * m[f, i] = a[f, i] &gt; min + threshold (max - min),  min and max over the tokens of the frame
 * O_f = softmax(q_f [k_f; k_g[m_g]]' / sqrt(D)) [v_f; v_g[m_g]],  0 &lt; |g - f| &lt;= reach
 * </pre>
 *
 * @param reach frames to each side
 * @param threshold between the least (0) and the largest (1) weight of a frame
 * @param subjectQueries whether tokens of the subject alone see other frames
 */
public record OuroborosSacfa(int reach, double threshold, boolean subjectQueries) implements Mechanism {
    private static final Parameter<Integer> REACH =
            Parameter.integer("reach", 2, 0, 1 << 20, "frames to each side whose subject is seen");
    private static final Parameter<Double> THRESHOLD = Parameter.real(
            "threshold",
            0.5,
            0,
            1,
            "a token is the subject's above this, between least (0) and largest (1) of its frame");
    private static final Parameter<Boolean> SUBJECT_QUERIES =
            Parameter.flag("subject_queries", false, "whether tokens of the subject alone see other frames");

    private static final Declaration DECLARATION = Declaration.of(
                    "ouroboros-sacfa",
                    "softmax",
                    "Ouroboros-Diffusion: Exploring Consistent Content Generation in Tuning-free Long Video Diffusion")
            .equation("""
                    a[f, i] = mean over heads of the weight of the subject's words in softmax(q_cross k_text' / sqrt(D))
                    m[f, i] = a[f, i] > min + threshold (max - min), min and max over the tokens of frame f
                    O_f = softmax(q_f [k_f; k_g[m_g]]' / sqrt(D)) [v_f; v_g[m_g]], 0 < |g - f| <= reach
                    """)
            .citation("Chen et al. 2025")
            .input("query", "F H N D", "queries of F frames with N tokens")
            .input("key", "F H N D", "keys")
            .input("value", "F H N Dv", "values")
            .input("cross_query", "F H N Dc", "queries of the cross attention to the prompt, at the same resolution")
            .input("cross_key", "F H T Dc", "keys of the prompt")
            .input("subject", Kind.BOOL, "T", "whether a word of the prompt names the subject", Sampler.truth(0.4))
            .output("output", "F H N Dv", "attention of each frame")
            .parameter(REACH)
            .parameter(THRESHOLD)
            .parameter(SUBJECT_QUERIES)
            .note(
                    "Written from the abstract: threshold and its scale, neighbours to both sides, and that all queries see the"
                            + " other frames are choices, the last two parameters.")
            .note("A frame without tokens of the subject near it is plain self-attention.")
            .example("F=4 H=2 N=13 D=8 Dv=8 Dc=8 T=7; reach=1")
            .example("F=5 H=1 N=9 D=8 Dv=12 Dc=4 T=5; threshold=0.3 subject_queries=true")
            .build();

    public OuroborosSacfa {
        REACH.check(reach);
        THRESHOLD.check(threshold);
    }

    public OuroborosSacfa() {
        this(REACH.standard(), THRESHOLD.standard(), SUBJECT_QUERIES.standard());
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public OuroborosSacfa with(Values parameters) {
        return new OuroborosSacfa(parameters.get(REACH), parameters.get(THRESHOLD), parameters.get(SUBJECT_QUERIES));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        Names names =
                Names.of("subject", subject(ops, in)).with("n", in.size("N")).with("reach", reach);
        String queries = subjectQueries ? " && subject[b, q]" : "";
        Attention options = Attention.full()
                .visibleWhere("k // n == b || abs(k // n - b) <= reach && subject[k // n, k % n]" + queries, names);
        return Map.of(
                "output",
                ops.attend(in.get("query"), joined(ops, in.get("key")), joined(ops, in.get("value")), options));
    }

    /** Which tokens of each frame are the subject's: BOOL [F, N]. */
    private Tensor subject(Operations ops, Inputs in) {
        Tensor query = in.get("cross_query");
        Tensor words = ops.map("select(subject[q], 1.0, 0.0)")
                .with("subject", in.get("subject"))
                .to(query.dtype(), in.size("F"), 1, in.size("T"), 1);
        Tensor weights = ops.mean(ops.attend(query, in.get("cross_key"), words, Attention.full()), 1);
        return ops.map("a[q, d, 0] > least[q, 0] + threshold * (most[q, 0] - least[q, 0])")
                .with("a", weights)
                .with("least", ops.min(weights, 1))
                .with("most", ops.max(weights, 1))
                .with("threshold", threshold)
                .to(DType.BOOL, in.size("F"), in.size("N"));
    }

    /** The rows of all frames as those of one sequence, which every frame shares. */
    private static Tensor joined(Operations ops, Tensor x) {
        Tensor sequence = ops.reshape(ops.permute(x, 1, 0, 2, 3), 1, x.size(1), x.size(0) * x.size(2), x.size(3));
        return ops.broadcast(sequence, x.size(0), x.size(1), x.size(0) * x.size(2), x.size(3));
    }
}
