package dev.fovea.conformance.mechanisms;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Each query gathers the keys of its frame and those of the subject in the neighbours, and takes a softmax over them. */
public final class OuroborosSacfaOracle implements Oracle {
    @Override
    public String id() {
        return "ouroboros-sacfa";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        int frames = p.size("F");
        int tokens = p.size("N");
        boolean[][] subject = subject(p);
        double[] out = new double[frames * p.size("H") * tokens * p.size("Dv")];
        for (int f = 0; f < frames; f++) {
            for (int i = 0; i < tokens; i++) {
                List<int[]> keys = keys(p, subject, f, i);
                for (int h = 0; h < p.size("H"); h++) {
                    attend(p, keys, f, h, i, out);
                }
            }
        }
        return Map.of("output", out);
    }

    private static List<int[]> keys(Problem p, boolean[][] subject, int f, int i) {
        List<int[]> all = new ArrayList<>();
        boolean across = !p.flag("subject_queries") || subject[f][i];
        for (int g = 0; g < p.size("F"); g++) {
            for (int j = 0; j < p.size("N"); j++) {
                if (g == f || across && Math.abs(g - f) <= p.integer("reach") && subject[g][j]) {
                    all.add(new int[] {g, j});
                }
            }
        }
        return all;
    }

    private static void attend(Problem p, List<int[]> keys, int f, int h, int i, double[] out) {
        int dim = p.size("D");
        int columns = p.size("Dv");
        double[] weights = Rows.softmax(1, 1, 1, keys.size(), (b, head, row, n) -> {
            double s = 0;
            for (int d = 0; d < dim; d++) {
                s += p.at("query", f, h, i, d) * p.at("key", keys.get(n)[0], h, keys.get(n)[1], d);
            }
            return s / Math.sqrt(dim);
        });
        for (int n = 0; n < weights.length; n++) {
            for (int c = 0; c < columns; c++) {
                out[((f * p.size("H") + h) * p.size("N") + i) * columns + c] +=
                        weights[n] * p.at("value", keys.get(n)[0], h, keys.get(n)[1], c);
            }
        }
    }

    private static boolean[][] subject(Problem p) {
        int heads = p.size("H");
        int tokens = p.size("N");
        int words = p.size("T");
        double scale = 1 / Math.sqrt(p.size("Dc"));
        double[] map = Rows.softmax(
                p.size("F"),
                heads,
                tokens,
                words,
                (b, h, i, j) -> scale * Rows.dot(p, "cross_query", "cross_key", b, h, i, j));
        boolean[][] subject = new boolean[p.size("F")][tokens];
        for (int f = 0; f < subject.length; f++) {
            double[] weight = new double[tokens];
            double least = Double.POSITIVE_INFINITY;
            double most = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < tokens; i++) {
                for (int h = 0; h < heads; h++) {
                    for (int t = 0; t < words; t++) {
                        if (p.at("subject", t) != 0) {
                            weight[i] += map[((f * heads + h) * tokens + i) * words + t] / heads;
                        }
                    }
                }
                least = Math.min(least, weight[i]);
                most = Math.max(most, weight[i]);
            }
            for (int i = 0; i < tokens; i++) {
                subject[f][i] = (weight[i] - least) / (most - least) > p.real("threshold");
            }
        }
        return subject;
    }
}
