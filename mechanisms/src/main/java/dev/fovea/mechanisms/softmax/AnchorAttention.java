package dev.fovea.mechanisms.softmax;

import dev.fovea.api.Attention;
import dev.fovea.api.Names;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.RotarySpec.Pairing;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Example;
import dev.fovea.mechanisms.Inputs;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.mechanisms.Port.Kind;
import dev.fovea.mechanisms.Sampler;
import dev.fovea.mechanisms.Values;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * AnchorAttention: packed documents that share their first token.
 *
 * <pre>
 * visible(i, j) = j &lt;= i and (doc[i] = doc[j] or doc[j] = 0)
 * O = softmax(R(pos[i]) q (R(pos[j]) k)' / sqrt(D) where visible) v,  R: rotary embedding
 * </pre>
 *
 * @param pairing which columns the rotary embedding turns together
 */
public record AnchorAttention(Pairing pairing) implements Mechanism {
    private static final Parameter<Pairing> PAIRING =
            Parameter.choice("pairing", Pairing.HALVES, "which columns the rotary embedding turns together");

    private static final Declaration DECLARATION = Declaration.of(
                    "anchorattention-2",
                    "softmax",
                    "When Precision Meets Position: BFloat16 Breaks Down RoPE in Long-Context Training")
            .equation("""
                    O = softmax(R(pos[i]) q (R(pos[j]) k)' / sqrt(D) where visible) v, R: rotary embedding
                    visible(i, j) = j <= i and (doc[i] = doc[j] or doc[j] = 0)
                    """)
            .citation("Wang et al. 2024; github.com/haonan3/AnchorContext")
            .input("query", "B H S D", "queries before the rotary embedding")
            .input("key", "B Hk S D", "keys before the rotary embedding")
            .input("value", "B Hk S Dv", "values")
            .input("document", Kind.I32, "B S", "0 the anchor, 1.. documents", AnchorAttention::documents)
            .input("position", Kind.I32, "B S", "rows of the tables", Sampler.indices("P"))
            .input("cosine", Kind.F32, "P R", "cosines by position and pair", Sampler.normal())
            .input("sine", Kind.F32, "P R", "sines by position and pair", Sampler.normal())
            .output("output", "B H S Dv", "attention within documents and to the anchor")
            .parameter(PAIRING)
            .note(
                    "Positions are an input: the paper compares ids that go on through the packed window with ids that start again"
                            + " in each document. The anchor's own is the same for all either way.")
            .note("Every token of document 0 is an anchor, so that a shared prefix of several tokens works too.")
            .note("The rotary embedding is computed in f32 and rounded to storage once, whatever the type of q and k.")
            .example("B=2 H=4 Hk=2 S=19 D=8 Dv=8 P=19 R=4")
            .example("B=1 H=2 Hk=2 S=41 D=16 Dv=12 P=64 R=6; pairing=neighbours")
            .build();

    public AnchorAttention() {
        this(PAIRING.standard());
    }

    /** The anchor, then documents of about 5 tokens. */
    private static double[] documents(SplittableRandom random, int count, Example e) {
        double[] x = new double[count];
        for (int i = 0; i < count; i++) {
            boolean anchor = i % e.size("S") == 0;
            x[i] = anchor ? 0 : x[i - 1] == 0 ? 1 : x[i - 1] + (random.nextInt(5) == 0 ? 1 : 0);
        }
        return x;
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public AnchorAttention with(Values parameters) {
        return new AnchorAttention(parameters.get(PAIRING));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        Attention options = Attention.causal()
                .visibleWhere("doc[b, q] == doc[b, k] || doc[b, k] == 0", Names.of("doc", in.get("document")));
        return Map.of("output", ops.attend(turned(ops, in, "query"), turned(ops, in, "key"), in.get("value"), options));
    }

    private Tensor turned(Operations ops, Inputs in, String name) {
        return ops.rotate(in.get(name), pairing, in.get("position"), in.get("cosine"), in.get("sine"));
    }
}
