package dev.fovea.mechanisms.softmax;

import dev.fovea.api.Attention;
import dev.fovea.api.AttentionResult;
import dev.fovea.api.DType;
import dev.fovea.api.Operations;
import dev.fovea.api.Operations.Part;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.ScoreStage;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Inputs;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.mechanisms.Port.Kind;
import dev.fovea.mechanisms.Sampler;
import dev.fovea.mechanisms.Values;
import java.util.Map;
import java.util.Objects;

/**
 * DCAL: cross attention of the tokens that attention rollout finds most important (GLCA), and, in training, of one image to itself and
 * another (PWCA).
 *
 * <pre>
 * A_l = mean over heads of softmax(q_l k_l' / sqrt(D)),  R = (A_L + I) / 2 .. (A_1 + I) / 2
 * GLCA:  O = softmax(q[T] k' / sqrt(D)) v,  T: token 0 and the ceil(share (N - 1)) largest of R[0, 1..]
 * PWCA:  O = softmax(q [k; k_p]' / sqrt(D)) [v; v_p],  p: the partner of the image
 * </pre>
 *
 * @param block which of the two
 * @param share of the tokens after the first that become local queries
 * @param keepClass whether token 0 is a local query too
 */
public record Dcal(Block block, double share, boolean keepClass) implements Mechanism {
    /** The blocks of the paper. */
    public enum Block {
        /** Global-local cross attention: inference and training. */
        GLCA,
        /** Pair-wise cross attention: training alone. */
        PWCA
    }

    private static final Parameter<Block> BLOCK = Parameter.choice(
            "block", Block.GLCA, "glca: important tokens see all; pwca: an image sees itself and another");
    private static final Parameter<Double> SHARE = Parameter.real(
            "share",
            0.1,
            0,
            1,
            "of the tokens after the first that become local queries: 0.1 fine-grained, 0.3 re-identification");
    private static final Parameter<Boolean> KEEP_CLASS =
            Parameter.flag("keep_class", true, "whether token 0, the class, is a local query too");

    private static final Declaration DECLARATION = Declaration.of(
                    "dcal",
                    "softmax",
                    "Dual Cross-Attention Learning for Fine-Grained Visual Categorization and Object Re-Identification")
            .equation("""
                    A_l = mean over heads of softmax(q_l k_l' / sqrt(D)), R = (A_L + I) / 2 .. (A_1 + I) / 2
                    glca: O = softmax(q[T] k' / sqrt(D)) v, T: token 0 and the ceil(share (N - 1)) largest of R[0, 1..]
                    pwca: O = softmax(q [k; k_p]' / sqrt(D)) [v; v_p], p: the partner of the image
                    """)
            .citation("Zhu et al., CVPR 2022")
            .input("query", "B H N D", "queries of the block, token 0 the class")
            .input("key", "B H N D", "keys")
            .input("value", "B H N Dv", "values")
            .optional(
                    "layer_query",
                    Kind.REAL,
                    "L B H N D",
                    "glca: queries of the layers before, first to last",
                    Sampler.normal())
            .optional("layer_key", Kind.REAL, "L B H N D", "glca: keys of the layers before", Sampler.normal())
            .optional(
                    "partner",
                    Kind.I32,
                    "B",
                    "pwca: the image of the batch that each is paired with",
                    Sampler.indices("B"))
            .output("output", "B H M Dv", "attention of M local queries; of pwca, M = N")
            .output("token", Kind.I32, "B M", "the token of each row of the output")
            .parameter(BLOCK)
            .parameter(SHARE)
            .parameter(KEEP_CLASS)
            .note("No code of the authors is public. That the class is a local query too is an assumption.")
            .note("Local queries come by falling importance, the class first; of equal ones the lower token.")
            .example("B=2 H=2 N=17 M=6 D=8 Dv=8 L=3; share=0.3")
            .example("B=3 H=1 N=24 M=3 D=8 Dv=12 L=2; keep_class=false")
            .example("B=3 H=2 N=11 M=11 D=8 Dv=8 L=1; block=pwca")
            .build();

    public Dcal {
        SHARE.check(share);
    }

    public Dcal() {
        this(BLOCK.standard(), SHARE.standard(), KEEP_CLASS.standard());
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public Dcal with(Values parameters) {
        return new Dcal(parameters.get(BLOCK), parameters.get(SHARE), parameters.get(KEEP_CLASS));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        return switch (block) {
            case GLCA -> local(ops, in);
            case PWCA -> pairs(ops, in);
        };
    }

    private Map<String, Tensor> local(Operations ops, Inputs in) {
        Inputs.require(
                in.has("layer_query") && in.has("layer_key"), "layer_query, layer_key", "given for glca", "none");
        int tokens = in.size("N");
        Inputs.require(tokens > 0, "N", "the class token at least", tokens);
        int chosen = (int) Math.ceil(share * (tokens - 1) - 1e-9) + (keepClass ? 1 : 0); // 0.1 * 30 is above 3
        Tensor importance = ops.map("select(d == 0, class, r[q, 0, d])")
                .with("r", rollout(ops, in))
                .with("class", keepClass ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY)
                .to(DType.F32, in.size("B"), tokens);
        Tensor token = ops.top(importance, chosen).indices();
        Tensor query = ops.gather(in.get("query"), ops.reshape(token, in.size("B"), 1, chosen), 0);
        return Map.of("output", ops.attend(query, in.get("key"), in.get("value"), Attention.full()), "token", token);
    }

    /** 2^L times row 0 of the rollout, F32 [B, 1, N]: from the last layer to the first it is a row times a matrix. */
    private static Tensor rollout(Operations ops, Inputs in) {
        int tokens = in.size("N");
        Tensor row = ops.map("select(d == 0, 1.0, 0.0)").to(DType.F32, in.size("B"), 1, tokens);
        for (int layer = in.size("L") - 1; layer >= 0; layer--) {
            Tensor query = ops.own(in.get("layer_query").select(0, layer));
            Tensor key = ops.own(in.get("layer_key").select(0, layer));
            AttentionResult all =
                    ops.attendAll(query, key, key, Attention.full().scores(ScoreStage.PROBABILITY));
            Tensor map = ops.mean(Objects.requireNonNull(all.scores()), 1);
            row = ops.map("seen[h, 0, d] + row[h, 0, d]") // without the halves: the order is the same
                    .with("seen", ops.matmul(row, map))
                    .with("row", row)
                    .like(row);
        }
        return row;
    }

    private static Map<String, Tensor> pairs(Operations ops, Inputs in) {
        Inputs.require(in.has("partner"), "partner", "given for pwca", "none");
        Tensor query = in.get("query");
        Tensor token = ops.map("d").to(DType.I32, in.size("B"), in.size("N"));
        Tensor key = partners(ops, in.get("key"), in.get("partner"));
        Tensor value = partners(ops, in.get("value"), in.get("partner"));
        Part own = new Part(in.get("key"), in.get("value"), Attention.full());
        return Map.of("output", ops.attendParts(query, own, new Part(key, value, Attention.full())), "token", token);
    }

    private static Tensor partners(Operations ops, Tensor x, Tensor partner) {
        Tensor images = ops.reshape(x, x.size(0), x.size(1) * x.size(2) * x.size(3));
        return ops.reshape(ops.gather(images, partner, 0), x.shape());
    }
}
