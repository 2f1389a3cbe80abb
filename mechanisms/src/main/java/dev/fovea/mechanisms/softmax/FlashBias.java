package dev.fovea.mechanisms.softmax;

import dev.fovea.api.Attention;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Inputs;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.mechanisms.Values;
import java.util.Map;

/**
 * FlashBias: a bias of low rank as further columns of queries and keys.
 *
 * <pre>
 * O = softmax(q k' / sqrt(D) + phi_q phi_k') v = attention([q / sqrt(D), phi_q], [k, phi_k], v, scale 1)
 * </pre>
 *
 * @param causal whether a query sees keys up to its own position only
 */
public record FlashBias(boolean causal) implements Mechanism {
    private static final Parameter<Boolean> CAUSAL =
            Parameter.flag("causal", false, "whether a query sees keys up to its own position only");

    private static final Declaration DECLARATION = Declaration.of(
                    "flashbias", "softmax", "FlashBias: Fast Computation of Attention with Bias")
            .equation(
                    "O = softmax(q k' / sqrt(D) + phi_q phi_k') v = attention([q / sqrt(D), phi_q], [k, phi_k], v, scale 1)")
            .citation("Wu et al. 2025; github.com/thuml/FlashBias")
            .input("query", "B H Sq D", "queries")
            .input("key", "B H Sk D", "keys")
            .input("value", "B H Sk Dv", "values")
            .input("query_factor", "H Sq R", "phi_q: factor of the bias on the side of the queries")
            .input("key_factor", "H Sk R", "phi_k: factor of the bias on the side of the keys")
            .output("output", "B H Sq Dv", "attention with the bias phi_q phi_k'")
            .parameter(CAUSAL)
            .note(
                    "The factors are inputs: an SVD or learned networks stay with the caller. For ALiBi with slope s they are"
                            + " [-s i, s] and [1, j]; the released example has the opposite sign.")
            .example("B=2 H=2 Sq=9 Sk=13 D=8 Dv=12 R=2")
            .example("B=1 H=3 Sq=17 Sk=17 D=16 Dv=16 R=5; causal=true")
            .build();

    public FlashBias() {
        this(CAUSAL.standard());
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public FlashBias with(Values parameters) {
        return new FlashBias(parameters.get(CAUSAL));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        Tensor query = in.get("query");
        Tensor scaled = ops.map("x[b, h, q, d] * scale")
                .with("x", query)
                .with("scale", 1 / Math.sqrt(in.size("D")))
                .like(query);
        Tensor q = ops.concat(3, scaled, factor(ops, in, "query_factor", "Sq"));
        Tensor k = ops.concat(3, in.get("key"), factor(ops, in, "key_factor", "Sk"));
        Attention options = (causal ? Attention.causal() : Attention.full()).scale(1);
        return Map.of("output", ops.attend(q, k, in.get("value"), options));
    }

    private static Tensor factor(Operations ops, Inputs in, String name, String axis) {
        return ops.broadcast(in.get(name), in.size("B"), in.size("H"), in.size(axis), in.size("R"));
    }
}
