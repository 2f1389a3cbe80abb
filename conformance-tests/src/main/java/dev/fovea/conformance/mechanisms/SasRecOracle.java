package dev.fovea.conformance.mechanisms;

import java.util.Map;

/** A block over each history, token by token: only the valid items up to its own are looked at. */
public final class SasRecOracle implements Oracle {
    @Override
    public String id() {
        return "sasrec";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        int length = p.size("L");
        int dim = p.size("D");
        int items = p.size("I");
        double[] output = new double[p.size("B") * length * dim];
        double[] score = new double[p.size("B") * length * items];
        for (int row = 0; row < p.size("B") * length; row++) {
            if (p.at("valid", row / length, row % length) == 0) {
                continue;
            }
            double[] y = item(p, row / length, row % length);
            System.arraycopy(y, 0, output, row * dim, dim);
            for (int i = 0; i < items; i++) {
                for (int d = 0; d < dim; d++) {
                    score[row * items + i] += y[d] * p.at("items", i, d);
                }
            }
        }
        return Map.of("output", output, "score", score);
    }

    private static double[] item(Problem p, int b, int i) {
        int dim = p.size("D");
        int width = dim / p.integer("heads");
        double[] z = norm(p, history(p, b, i), 0);
        double[] query = times(p, z, "query_weight", dim);
        double[] o = z.clone();
        for (int head = 0; head < p.integer("heads"); head++) {
            double[] weighted = new double[width];
            double sum = 0;
            for (int j = 0; j <= i; j++) {
                if (p.at("valid", b, j) == 0) {
                    continue;
                }
                double[] key = times(p, history(p, b, j), "key_weight", dim);
                double[] value = times(p, history(p, b, j), "value_weight", dim);
                double s = 0;
                for (int d = head * width; d < (head + 1) * width; d++) {
                    s += query[d] * key[d];
                }
                double e = Math.exp(s / Math.sqrt(width));
                sum += e;
                for (int d = 0; d < width; d++) {
                    weighted[d] += e * value[head * width + d];
                }
            }
            for (int d = 0; d < width; d++) {
                o[head * width + d] += weighted[d] / sum;
            }
        }
        double[] u = norm(p, o, 1);
        double[] inner = times(p, u, "inner_weight", p.size("F"));
        for (int f = 0; f < inner.length; f++) {
            inner[f] = Math.max(0, inner[f] + p.at("inner_bias", f));
        }
        double[] y = times(p, inner, "outer_weight", dim);
        for (int d = 0; d < dim; d++) {
            y[d] += p.at("outer_bias", d) + u[d];
        }
        return y;
    }

    private static double[] history(Problem p, int b, int i) {
        double[] x = new double[p.size("D")];
        for (int d = 0; d < x.length; d++) {
            x[d] = p.at("history", b, i, d);
        }
        return x;
    }

    private static double[] times(Problem p, double[] x, String weight, int columns) {
        double[] y = new double[columns];
        for (int c = 0; c < columns; c++) {
            for (int r = 0; r < x.length; r++) {
                y[c] += x[r] * p.at(weight, r, c);
            }
        }
        return y;
    }

    private static double[] norm(Problem p, double[] x, int index) {
        double mean = 0;
        double variance = 0;
        for (double v : x) {
            mean += v / x.length;
        }
        for (double v : x) {
            variance += (v - mean) * (v - mean) / x.length;
        }
        double[] y = new double[x.length];
        for (int d = 0; d < x.length; d++) {
            y[d] = (x[d] - mean) / Math.sqrt(variance + 1e-8) * p.at("norm_gain", index, d)
                    + p.at("norm_bias", index, d);
        }
        return y;
    }
}
