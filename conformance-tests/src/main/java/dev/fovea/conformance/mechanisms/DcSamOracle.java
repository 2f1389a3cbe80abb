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
        return Map.of("output", Rows.attend(p, (b, h, i, j) -> consistent(p, b, h, j)));
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
