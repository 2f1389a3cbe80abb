package dev.fovea.conformance.mechanisms;

import java.util.Map;

/** One softmax over the first keys of each sequence: how the work is cut must not matter. */
public final class LeanAttentionOracle implements Oracle {
    @Override
    public String id() {
        return "leanattention";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        int[] lengths = p.integers("lengths");
        int group = p.size("H") / p.size("G");
        double[] o = Rows.attend(
                p.size("B"),
                p.size("H"),
                1,
                p.size("S"),
                p.size("Dv"),
                (b, h, i, j) -> {
                    int given = lengths[lengths.length == 1 ? 0 : b];
                    return given >= 0 && j >= given ? Double.NEGATIVE_INFINITY : score(p, b, h, h / group, j);
                },
                (b, h, j, c) -> p.at("value", b, h / group, j, c));
        return Map.of("output", o);
    }

    private static double score(Problem p, int b, int h, int g, int j) {
        double s = 0;
        for (int d = 0; d < p.size("D"); d++) {
            s += p.at("query", b, h, 0, d) * p.at("key", b, g, j, d);
        }
        return s / Math.sqrt(p.size("D"));
    }
}
