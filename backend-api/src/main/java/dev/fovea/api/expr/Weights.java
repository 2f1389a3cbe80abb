package dev.fovea.api.expr;

import dev.fovea.api.DType;
import java.util.Map;

/** Probability expressions, F32 over the weight {@code p} that the normaliser gave, and output expressions over the output {@code o}. */
public final class Weights {
    /** Highest power of {@link #relu}. */
    private static final int MAX_POWER = 8;

    private Weights() {}

    /** {@code sigmoid(p)}: over the identity, sigmoid attention (Ramapuram et al. 2024), which adds -log(keys) to the scores. */
    public static Expr sigmoid() {
        return Expressions.probability().sigmoid();
    }

    /**
     * {@code max(p, 0)^power}: over the identity, ReLU attention (Wortsman et al. 2023, which divides by the number of keys) or squared
     * ReLU (Hua et al. 2022).
     *
     * @throws IllegalArgumentException if the power is not 1 to 8
     */
    public static Expr relu(int power) {
        if (power < 1 || power > MAX_POWER) {
            throw new IllegalArgumentException("a power from 1 to " + MAX_POWER + ", got " + power);
        }
        Expr positive = Expressions.probability().max(Expressions.constant(0f));
        Expr all = positive;
        for (int i = 1; i < power; i++) {
            all = all.times(positive);
        }
        return all;
    }

    /** {@code select(p > threshold, p, 0)}: small weights count nothing; over softmax it takes a second pass over the keys. */
    public static Expr threshold() {
        Expr limit = new Expr.Scalar("threshold", ValueType.F32);
        return new Expr.Select(
                limit.lessThan(Expressions.probability()), Expressions.probability(), Expressions.constant(0f));
    }

    /** {@code p * key_weight[b, hkv, k]}, F32 [B, Hk, Sk]: a weight for each key, in the same pass. */
    public static Expr keyWeight() {
        return Definition.parse("p * key_weight[b, hkv, k]", Map.of("key_weight", DType.F32));
    }

    /** {@code o * sigmoid(gate[b, h, q, d])}, F32 [B, Hq, Sq, Dv]: a gate on each output element (gated attention, Qiu et al. 2025). */
    public static Expr gate() {
        return Definition.parse("o * sigmoid(gate[b, h, q, d])", Map.of("gate", DType.F32));
    }
}
