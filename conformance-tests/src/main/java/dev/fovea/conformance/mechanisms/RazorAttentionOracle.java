package dev.fovea.conformance.mechanisms;

import java.util.Arrays;
import java.util.Map;

/** The quotient of sums as the paper writes it, and scores of heads from their map of weights. */
public final class RazorAttentionOracle implements Oracle {
    @Override
    public String id() {
        return "razorattention";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        int dv = p.size("Dv");
        int group = p.size("H") / p.size("G");
        double[] o = new double[p.size("B") * p.size("H") * dv];
        for (int row = 0; row < p.size("B") * p.size("H"); row++) {
            int b = row / p.size("H");
            int h = row % p.size("H");
            boolean full = Arrays.stream(p.integers("retrieval")).anyMatch(r -> r == h / group);
            System.arraycopy(head(p, b, h, h / group, full), 0, o, row * dv, dv);
        }
        return Map.of("output", o, "echo", rated(p, 0), "induction", rated(p, 1));
    }

    private static double[] head(Problem p, int b, int h, int g, boolean full) {
        int n = p.size("S");
        int keep = Math.max(p.integer("local"), n / p.integer("compression"));
        double[] query = new double[p.size("D")];
        double[] key = new double[p.size("D")];
        double[] value = new double[p.size("Dv")];
        double[] acc = new double[p.size("Dv")];
        double sum = 0;
        int dropped = 0;
        Arrays.setAll(query, d -> p.at("query", b, h, 0, d));
        for (int j = 0; j < n; j++) {
            if (!full && j >= p.integer("sinks") && j < n - keep) {
                dropped++;
                for (int d = 0; d < key.length; d++) {
                    key[d] += p.at("key", b, g, j, d);
                }
                for (int e = 0; e < value.length; e++) {
                    value[e] += p.at("value", b, g, j, e);
                }
                continue;
            }
            double s = 0;
            for (int d = 0; d < key.length; d++) {
                s += query[d] * p.at("key", b, g, j, d);
            }
            double w = Math.exp(s / Math.sqrt(key.length));
            sum += w;
            for (int e = 0; e < value.length; e++) {
                acc[e] += w * p.at("value", b, g, j, e);
            }
        }
        if (dropped > 0) {
            double s = 0;
            for (int d = 0; d < key.length; d++) {
                s += query[d] * key[d] / dropped;
            }
            double w = dropped * Math.exp(s / Math.sqrt(key.length));
            sum += w;
            for (int e = 0; e < value.length; e++) {
                acc[e] += w * value[e] / dropped;
            }
        }
        double all = sum;
        return Arrays.stream(acc).map(x -> x / all).toArray();
    }

    /** Mean weight on the keys {@code shift} behind the same token of earlier repeats; the largest of each group. */
    private static double[] rated(Problem p, int shift) {
        int n = p.size("T");
        int period = p.integer("period");
        int group = p.size("H") / p.size("G");
        double scale = 1 / Math.sqrt(p.size("D"));
        double[] best = new double[p.size("G")];
        double[] a = Rows.softmax(1, p.size("H"), n, n, (b, h, i, j) -> {
            double s = 0;
            for (int d = 0; d < p.size("D"); d++) {
                s += p.at("profile_query", 0, h, i, d) * p.at("profile_key", 0, h / group, j, d);
            }
            return j > i ? Double.NEGATIVE_INFINITY : s * scale;
        });
        for (int h = 0; h < p.size("H"); h++) {
            double sum = 0;
            for (int i = 1 + period; i < n; i++) {
                for (int same = i - period; same >= 1; same -= period) {
                    sum += a[(h * n + i) * n + same + shift];
                }
            }
            best[h / group] = Math.max(best[h / group], sum / (n - 1 - period));
        }
        return best;
    }
}
