package dev.fovea.conformance.mechanisms;

import java.util.Map;

/** Device by device: its slice of the latents, its softmax, its share of each head's output. */
public final class TplaOracle implements Oracle {
    @Override
    public String id() {
        return "tpla";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        double[] total = new double[p.size("B") * p.size("H") * p.size("Sq") * p.size("Dv")];
        int slices = p.integer("slices");
        int past = p.size("S") - p.size("Sq");
        int width = p.size("R") / slices;
        for (int s = 0; s < slices; s++) {
            int from = s * width;
            double alpha = p.at("norm_factor", s);
            double mu = p.at("score_factor", s);
            double[][][] n = normalised(p, from, width, alpha);
            double[] part = Rows.attend(
                    p.size("B"),
                    p.size("H"),
                    p.size("Sq"),
                    p.size("S"),
                    p.size("Dv"),
                    (b, h, i, j) -> j > past + i ? Double.NEGATIVE_INFINITY : score(p, b, h, i, j, from, n[b][j], mu),
                    (b, h, j, c) -> value(p, h, c, from, n[b][j]));
            for (int i = 0; i < total.length; i++) {
                total[i] += part[i];
            }
        }
        return Map.of("output", total);
    }

    private static double[][][] normalised(Problem p, int from, int width, double alpha) {
        double[][][] n = new double[p.size("B")][p.size("S")][width];
        for (int b = 0; b < n.length; b++) {
            for (int j = 0; j < n[b].length; j++) {
                double squares = 0;
                for (int w = 0; w < width; w++) {
                    for (int r = 0; r < p.size("R"); r++) {
                        n[b][j][w] += p.at("latent", b, j, r) * p.at("rotation", r, from + w);
                    }
                    squares += n[b][j][w] * n[b][j][w];
                }
                for (int w = 0; w < width; w++) {
                    n[b][j][w] /= Math.sqrt(alpha * squares / p.size("R") + p.real("epsilon"));
                }
            }
        }
        return n;
    }

    /** Column {@code at} of the rotated weights of keys or values, for row {@code row} of head h. */
    private static double folded(Problem p, String weights, int h, int row, int at) {
        double s = 0;
        for (int r = 0; r < p.size("R"); r++) {
            s += p.at(weights, h, row, r) * p.at("gain", r) * p.at("rotation", r, at);
        }
        return s;
    }

    private static double score(Problem p, int b, int h, int i, int j, int from, double[] latent, double mu) {
        double s = 0;
        for (int d = 0; d < p.size("N"); d++) {
            for (int w = 0; w < latent.length; w++) {
                s += mu * p.at("query", b, h, i, d) * folded(p, "key_up", h, d, from + w) * latent[w];
            }
        }
        for (int d = 0; d < p.size("P"); d++) {
            s += p.at("query_rope", b, h, i, d) * p.at("key_rope", b, j, d);
        }
        return s / Math.sqrt(p.size("N") + p.size("P"));
    }

    private static double value(Problem p, int h, int c, int from, double[] latent) {
        double s = 0;
        for (int w = 0; w < latent.length; w++) {
            s += folded(p, "value_up", h, c, from + w) * latent[w];
        }
        return s;
    }
}
