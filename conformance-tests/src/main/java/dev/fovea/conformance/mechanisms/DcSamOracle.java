package dev.fovea.conformance.mechanisms;

import java.util.Map;

/** Softmax over the keys whose best query's best key has their label. */
public final class DcSamOracle implements Oracle {
    @Override
    public String id() {
        return "dc-sam";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        double scale = 1 / Math.sqrt(p.size("D"));
        double[] o = Rows.attend(
                p.size("B"),
                p.size("H"),
                p.size("Sq"),
                p.size("Sk"),
                p.size("Dv"),
                (b, h, i, j) -> consistent(p, b, h, j)
                        ? scale * Rows.dot(p, "query", "key", b, h, i, j)
                        : Double.NEGATIVE_INFINITY,
                (b, h, j, c) -> p.at("value", b, h, j, c));
        return Map.of("output", o);
    }

    private static boolean consistent(Problem p, int b, int h, int j) {
        int query = 0;
        for (int i = 1; i < p.size("Sq"); i++) {
            if (Rows.dot(p, "query", "key", b, h, i, j) > Rows.dot(p, "query", "key", b, h, query, j)) {
                query = i;
            }
        }
        int back = 0;
        for (int k = 1; k < p.size("Sk"); k++) {
            if (Rows.dot(p, "query", "key", b, h, query, k) > Rows.dot(p, "query", "key", b, h, query, back)) {
                back = k;
            }
        }
        return p.at("label", b, j) == p.at("label", b, back);
    }
}
