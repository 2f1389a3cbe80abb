package dev.fovea.conformance.mechanisms;

import java.util.Map;

/** {@code softmax(q k' / sqrt(D) + phi_q phi_k') v}. */
public final class FlashBiasOracle implements Oracle {
    @Override
    public String id() {
        return "flashbias";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        boolean causal = p.flag("causal");
        double scale = 1 / Math.sqrt(p.size("D"));
        double[] o = Rows.attend(
                p.size("B"),
                p.size("H"),
                p.size("Sq"),
                p.size("Sk"),
                p.size("Dv"),
                (b, h, i, j) -> causal && j > i
                        ? Double.NEGATIVE_INFINITY
                        : scale * Rows.dot(p, "query", "key", b, h, i, j) + bias(p, h, i, j),
                (b, h, j, c) -> p.at("value", b, h, j, c));
        return Map.of("output", o);
    }

    private static double bias(Problem p, int h, int i, int j) {
        double s = 0;
        for (int r = 0; r < p.size("R"); r++) {
            s += p.at("query_factor", h, i, r) * p.at("key_factor", h, j, r);
        }
        return s;
    }
}
