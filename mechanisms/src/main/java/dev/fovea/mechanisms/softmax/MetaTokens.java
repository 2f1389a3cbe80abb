package dev.fovea.mechanisms.softmax;

import dev.fovea.api.Attention;
import dev.fovea.api.Names;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.RotarySpec.Pairing;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Inputs;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.mechanisms.Port.Kind;
import dev.fovea.mechanisms.Sampler;
import dev.fovea.mechanisms.Values;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Meta-tokens: after causal attention, a second one between the meta-tokens of the sequence alone.
 *
 * <pre>
 * O = softmax(R q (R k)' / sqrt(D) where j &lt;= i and meta[i] and meta[j]) v,  R: rotary embedding at the positions of the full sequence
 * </pre>
 *
 * @param pairing which columns the rotary embedding turns together
 */
public record MetaTokens(Pairing pairing) implements Mechanism {
    private static final Parameter<Pairing> PAIRING =
            Parameter.choice("pairing", Pairing.HALVES, "which columns the rotary embedding turns together");

    private static final Declaration DECLARATION = Declaration.of(
                    "metatokens", "softmax", "Language Modeling with Learned Meta-Tokens")
            .equation("""
                    O = softmax(R q (R k)' / sqrt(D) where j <= i and meta[i] and meta[j]) v
                    R: rotary embedding at the positions of the full sequence; other rows are 0
                    """)
            .citation("Shah et al. 2025")
            .input("query", "B H S D", "queries of the second attention before the rotary embedding")
            .input("key", "B Hk S D", "keys, likewise")
            .input("value", "B Hk S Dv", "values")
            .input("meta", Kind.BOOL, "B S", "whether a token is a meta-token", Sampler.truth(0.4))
            .input("cosine", Kind.F32, "S R", "cosines by position and pair", Sampler.normal())
            .input("sine", Kind.F32, "S R", "sines by position and pair", Sampler.normal())
            .output("output", "B H S Dv", "attention of meta-tokens; other rows are 0, for the residual to pass by")
            .parameter(PAIRING)
            .note(
                    "The causal attention before it is Attention.causal(), and what lies between (its output projection, norm and"
                            + " residual, and the own projections of the second) stays with the caller.")
            .note("For YaRN the tables are YaRN's.")
            .example("B=2 H=4 Hk=2 S=23 D=8 Dv=8 R=4")
            .example("B=1 H=2 Hk=2 S=50 D=12 Dv=16 R=4; pairing=neighbours")
            .build();

    public MetaTokens() {
        this(PAIRING.standard());
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public MetaTokens with(Values parameters) {
        return new MetaTokens(parameters.get(PAIRING));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        int tokens = in.size("S");
        Tensor rows = ops.copyOf(IntStream.range(0, tokens).toArray(), 1, tokens);
        Tensor query = ops.rotate(in.get("query"), pairing, rows, in.get("cosine"), in.get("sine"));
        Tensor key = ops.rotate(in.get("key"), pairing, rows, in.get("cosine"), in.get("sine"));
        Attention options =
                Attention.causal().visibleWhere("meta[b, q] && meta[b, k]", Names.of("meta", in.get("meta")));
        return Map.of("output", ops.attend(query, key, in.get("value"), options));
    }
}
