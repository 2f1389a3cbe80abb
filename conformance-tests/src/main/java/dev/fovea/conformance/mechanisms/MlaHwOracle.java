package dev.fovea.conformance.mechanisms;

import java.util.Map;

/** Keys and values of each head from the latents, element by element, whatever the form. */
public final class MlaHwOracle implements Oracle {
    @Override
    public String id() {
        return "mla-hw";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        int past = p.size("S") - p.size("Sq");
        double[] o = Rows.attend(
                p.size("B"),
                p.size("H"),
                p.size("Sq"),
                p.size("S"),
                p.size("Dv"),
                (b, h, i, j) -> j > past + i ? Double.NEGATIVE_INFINITY : score(p, b, h, i, j),
                (b, h, j, c) -> projected(p, "value_up", "latent", "R", b, h, j, c));
        return Map.of("output", o);
    }

    private static double score(Problem p, int b, int h, int i, int j) {
        double s = 0;
        for (int n = 0; n < p.size("N"); n++) {
            s += projected(p, "query_up", "query_latent", "Q", b, h, i, n)
                    * projected(p, "key_up", "latent", "R", b, h, j, n);
        }
        for (int d = 0; d < p.size("P"); d++) {
            s += p.at("query_rope", b, h, i, d) * p.at("key_rope", b, j, d);
        }
        return s / Math.sqrt(p.size("N") + p.size("P"));
    }

    private static double projected(
            Problem p, String weights, String latent, String axis, int b, int h, int row, int column) {
        double s = 0;
        for (int r = 0; r < p.size(axis); r++) {
            s += p.at(weights, h, column, r) * p.at(latent, b, row, r);
        }
        return s;
    }
}
