package dev.fovea.conformance.mechanisms;

import java.util.Map;

/** One masked pass over all frames, in either form. */
public final class WeNetOracle implements Oracle {
    @Override
    public String id() {
        return "wenet";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        double[] o = Rows.attend(
                p.size("B"),
                p.size("H"),
                p.size("S"),
                p.size("S"),
                p.size("Dv"),
                (b, h, i, j) ->
                        visible(p, i, j, (int) p.at("length", b)) ? score(p, b, h, i, j) : Double.NEGATIVE_INFINITY,
                (b, h, j, c) -> p.at("value", b, h, j, c));
        return Map.of("output", o);
    }

    private static boolean visible(Problem p, int i, int j, int length) {
        int c = p.integer("chunk");
        int n = p.integer("left");
        if (c < 0) {
            return j < length;
        }
        int low = n < 0 ? 0 : Math.max((i / c - n) * c, 0);
        int high = Math.min((i / c + 1) * c, length);
        return low <= j && j < high;
    }

    private static double score(Problem p, int b, int h, int i, int j) {
        double s = 0;
        for (int d = 0; d < p.size("D"); d++) {
            double q = p.at("query", b, h, i, d);
            s += (q + p.at("content_bias", h, d)) * p.at("key", b, h, j, d);
            s += (q + p.at("position_bias", h, d)) * p.at("position", h, j, d);
        }
        return s / Math.sqrt(p.size("D"));
    }
}
