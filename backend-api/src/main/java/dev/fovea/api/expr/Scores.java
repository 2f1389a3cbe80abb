package dev.fovea.api.expr;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr.IndexKind;
import java.util.List;
import java.util.Map;

/**
 * Score expressions of the literature, F32 over the score {@code s}; parameters as {@link Masks} has them. They compose by {@link
 * Expr#onScore}: {@code Scores.alibi().onScore(Scores.headTemperature())}.
 */
public final class Scores {
    private Scores() {}

    private static Expr parse(String text, Map<String, DType> captures, String... scalars) {
        return Definition.parse(text, captures, scalars);
    }

    /** {@code s - slopes[h] * |qpos - kpos|}, slopes F32 [Hq] (ALiBi, Press et al. 2022). */
    public static Expr alibi() {
        return parse("s - slopes[h] * float(abs(qpos - kpos))", Map.of("slopes", DType.F32));
    }

    /**
     * {@code s + relative[h, kpos - qpos + reach]}, relative F32 [Hq, 2 reach + 1]: a bias for each distance; loads clamp, so further
     * keys have that of the outermost (Shaw et al. 2018).
     */
    public static Expr relative() {
        return parse("s + relative[h, kpos - qpos + reach]", Map.of("relative", DType.F32), "reach");
    }

    /**
     * {@code s + weights[h, buckets[kpos - qpos + reach]]}, weights F32 [Hq, number of buckets], buckets I32 [2 reach + 1] as {@link
     * #bucketsOfT5} makes them (T5, Raffel et al. 2020).
     */
    public static Expr t5() {
        return parse(
                "s + weights[h, buckets[kpos - qpos + reach]]",
                Map.of("weights", DType.F32, "buckets", DType.I32),
                "reach");
    }

    /**
     * The bucket of each distance {@code kpos - qpos} from {@code -reach} to {@code reach} as T5 has it: half of the buckets exact, the
     * others logarithmic up to {@code reach}, beyond which all share the last; if both ways, later keys have the upper half.
     *
     * @param reach largest distance that is told apart, 128 in T5
     * @param buckets number of buckets, 32 in T5
     * @param bothWays true for encoders
     */
    public static int[] bucketsOfT5(int reach, int buckets, boolean bothWays) {
        int[] table = new int[2 * reach + 1];
        for (int d = -reach; d <= reach; d++) {
            int half = bothWays ? buckets / 2 : buckets;
            int distance = bothWays ? Math.abs(d) : Math.max(-d, 0);
            int exact = half / 2;
            int bucket = distance;
            if (distance >= exact) {
                double share = Math.log((double) distance / exact) / Math.log((double) reach / exact);
                bucket = Math.min(exact + (int) (share * (half - exact)), half - 1);
            }
            table[d + reach] = bucket + (bothWays && d > 0 ? half : 0);
        }
        return table;
    }

    /**
     * {@code s + sum over r < rank of phi_q[h, q, r] * phi_k[h, k, r]}, phi_q F32 [Hq, Sq, rank], phi_k F32 [Hq, Sk, rank] (FlashBias,
     * Wu et al. 2025). For ranks above 16 append the factors to the head dim instead: Q' = [scale Q, phi_q], K' = [K, phi_k], scale 1.
     *
     * @throws IllegalArgumentException if the rank is not 1 to 16
     */
    public static Expr lowRank(int rank) {
        if (rank < 1 || rank > 16) {
            throw new IllegalArgumentException(
                    "a rank from 1 to 16, got " + rank + ": append the factors to q and k instead");
        }
        Expr sum = Expressions.score();
        for (int r = 0; r < rank; r++) {
            Expr column = Expressions.constant(r);
            sum = sum.plus(factor("phi_q", IndexKind.QUERY, column).times(factor("phi_k", IndexKind.KEY, column)));
        }
        return sum;
    }

    private static Expr factor(String name, IndexKind row, Expr column) {
        return new Expr.Load(
                name, DType.F32, List.of(Expressions.index(IndexKind.HEAD), Expressions.index(row), column));
    }

    /** {@code cap * tanh(s / cap)} (Gemma 2, 2024). */
    public static Expr softcap() {
        Expr cap = new Expr.Scalar("cap", ValueType.F32);
        return cap.times(Expressions.score().div(cap).tanh());
    }

    /** {@code s * head_scale[h]}, F32 [Hq]: a temperature for each head. */
    public static Expr headTemperature() {
        return parse("s * head_scale[h]", Map.of("head_scale", DType.F32));
    }

    /** {@code s * position_scale[qpos]}, F32 [positions]: a temperature for each query position (Llama 4; Yarn's by length). */
    public static Expr positionTemperature() {
        return parse("s * position_scale[qpos]", Map.of("position_scale", DType.F32));
    }

    /** {@code s * ssmax[h] * log(float(qpos + 1))}, ssmax F32 [Hq] (scalable softmax of causal rows, Nakanishi 2025). */
    public static Expr scalable() {
        return parse("s * ssmax[h] * log(float(qpos + 1))", Map.of("ssmax", DType.F32));
    }

    /**
     * {@code s + head_factor[h] * sandwich[|qpos - kpos|]}, sandwich F32 [distances] as {@link #sandwichTable} makes it, head_factor
     * F32 [Hq] (Sandwich, Chi et al. 2023).
     */
    public static Expr sandwich() {
        return parse(
                "s + head_factor[h] * sandwich[abs(qpos - kpos)]",
                Map.of("head_factor", DType.F32, "sandwich", DType.F32));
    }

    /** {@code sum over i = 1 .. dim / 2 of cos(distance / 10000^(2 i / dim)) - dim / 2} for each distance below {@code distances}. */
    public static float[] sandwichTable(int distances, int dim) {
        float[] table = new float[distances];
        for (int n = 0; n < distances; n++) {
            double sum = -(dim / 2);
            for (int i = 1; i <= dim / 2; i++) {
                sum += Math.cos(n / Math.pow(10000, 2.0 * i / dim));
            }
            table[n] = (float) sum;
        }
        return table;
    }

    /** {@code s + learned[b, h, q, k]}, F32 with any strides: a bias of its own for each pair. */
    public static Expr learned() {
        return parse("s + learned[b, h, q, k]", Map.of("learned", DType.F32));
    }
}
