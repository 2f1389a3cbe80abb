package dev.fovea.mechanisms.softmax;

import dev.fovea.api.Attention;
import dev.fovea.api.Names;
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
 * SASRec: a block of causal self-attention over an item history, and the scores of items by dot product.
 *
 * <pre>
 * z = norm(x);  o = softmax(z Wq (x Wk)' / sqrt(D / heads) where j &lt;= i and valid[j]) x Wv + z
 * u = norm(o);  y = (relu(u W1 + b1) W2 + b2 + u) valid;  score = y items'
 * </pre>
 *
 * @param heads number of heads
 */
public record SasRec(int heads) implements Mechanism {
    private static final Parameter<Integer> HEADS = Parameter.integer("heads", 1, 1, 1024, "heads, a divisor of D");
    private static final double EPSILON = 1e-8;

    private static final Declaration DECLARATION = Declaration.of(
                    "sasrec", "softmax", "Self-Attentive Sequential Recommendation")
            .equation("""
                    z = norm(x);  o = softmax(z Wq (x Wk)' / sqrt(D / heads) where j <= i and valid[j]) x Wv + z
                    u = norm(o);  y = (relu(u W1 + b1) W2 + b2 + u) valid;  score = y items'
                    """)
            .citation("Kang and McAuley 2018; github.com/kang205/SASRec")
            .input("history", "B L D", "embeddings of items plus those of positions")
            .input(
                    "valid",
                    Kind.BOOL,
                    "B L",
                    "false where the history is padding, wherever that lies",
                    Sampler.truth(0.7))
            .input("query_weight", Kind.REAL, "D D", "Wq, of the normalised history", Sampler.normal(0.5))
            .input("key_weight", Kind.REAL, "D D", "Wk, of the history itself", Sampler.normal(0.5))
            .input("value_weight", Kind.REAL, "D D", "Wv, of the history itself", Sampler.normal(0.5))
            .input(
                    "norm_gain",
                    Kind.REAL,
                    "2 D",
                    "gains of the norms before attention and feed-forward",
                    Sampler.uniform(0.5, 1.5))
            .input("norm_bias", Kind.REAL, "2 D", "biases of these norms", Sampler.normal(0.3))
            .input("inner_weight", Kind.REAL, "D F", "W1", Sampler.normal(0.5))
            .input("inner_bias", "F", "b1")
            .input("outer_weight", Kind.REAL, "F D", "W2", Sampler.normal(0.5))
            .input("outer_bias", "D", "b2")
            .input("items", "I D", "embeddings of the items to score")
            .output("output", "B L D", "y: the block's result; rows of padding are 0")
            .output("score", "B L I", "y items': the row of the last item of a history ranks what may follow")
            .parameter(HEADS)
            .note("Both residuals add the normalised input, as the code does.")
            .note(
                    "Padding is what valid says; the code finds it by rows that are all zero, which is the same for valid items with a"
                            + " non-zero embedding. Its query mask, and rows without a key being uniform over all keys, reach only rows of padding, which"
                            + " the block sets to zero in the end.")
            .note(
                    "One block without dropout. The code stacks blocks, normalises once more after the last and adds biases to the three"
                            + " projections: a stack calls this for each block, and scores after its own last norm.")
            .example("B=2 L=9 D=6 F=5 I=4")
            .example("B=1 L=21 D=8 F=8 I=3; heads=2")
            .build();

    public SasRec {
        HEADS.check(heads);
    }

    public SasRec() {
        this(HEADS.standard());
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public SasRec with(Values parameters) {
        return new SasRec(parameters.get(HEADS));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        Inputs.require(in.size("D") % heads == 0, "heads", "a divisor of D = " + in.size("D"), heads);
        Tensor x = in.get("history");
        Tensor z = norm(ops, in, x, 0);
        Tensor attended = ops.attend(
                ops.splitHeads(ops.matmul(z, in.get("query_weight")), heads),
                ops.splitHeads(ops.matmul(x, in.get("key_weight")), heads),
                ops.splitHeads(ops.matmul(x, in.get("value_weight")), heads),
                Attention.causal().visibleWhere("valid[b, k]", Names.of("valid", in.get("valid"))));
        Tensor o = ops.map("a[h, q, d] + z[h, q, d]")
                .with("a", ops.joinHeads(attended))
                .with("z", z)
                .like(x);
        Tensor u = norm(ops, in, o, 1);
        Tensor product = ops.matmul(u, in.get("inner_weight"));
        Tensor inner = ops.map("max(x[h, q, d] + bias[d], 0.0)")
                .with("x", product)
                .with("bias", in.get("inner_bias"))
                .like(product);
        Tensor y = ops.map("select(valid[h, q], x[h, q, d] + bias[d] + u[h, q, d], 0.0)")
                .with("valid", in.get("valid"))
                .with("x", ops.matmul(inner, in.get("outer_weight")))
                .with("bias", in.get("outer_bias"))
                .with("u", u)
                .like(x);
        return Map.of("output", y, "score", ops.matmul(y, ops.permute(in.get("items"), 1, 0)));
    }

    private static Tensor norm(Operations ops, Inputs in, Tensor x, int index) {
        Tensor gain = ops.own(in.get("norm_gain").select(0, index));
        return LayerNorm.of(ops, x, gain, ops.own(in.get("norm_bias").select(0, index)), EPSILON);
    }
}
