package dev.fovea.conformance.mechanisms;

import dev.fovea.mechanisms.softmax.Dcal.Block;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** The whole rollout matrix, a sort of its first row, and one softmax for each local query; or over the keys of two images. */
public final class DcalOracle implements Oracle {
    @Override
    public String id() {
        return "dcal";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        int rows = p.size("M");
        double[] token = new double[p.size("B") * rows];
        for (int b = 0; b < p.size("B"); b++) {
            List<Integer> chosen = tokens(p, b);
            for (int m = 0; m < rows; m++) {
                token[b * rows + m] = chosen.get(m);
            }
        }
        boolean pairs = p.parameter("block", Block.class) == Block.PWCA;
        int keys = p.size("N");
        double[] o = Rows.attend(
                p.size("B"),
                p.size("H"),
                rows,
                pairs ? 2 * keys : keys,
                p.size("Dv"),
                (b, h, m, j) -> {
                    double s = 0;
                    for (int d = 0; d < p.size("D"); d++) {
                        s += p.at("query", b, h, (int) token[b * rows + m], d)
                                * p.at("key", image(p, b, j), h, j % keys, d);
                    }
                    return s / Math.sqrt(p.size("D"));
                },
                (b, h, j, c) -> p.at("value", image(p, b, j), h, j % keys, c));
        return Map.of("output", o, "token", token);
    }

    private static int image(Problem p, int b, int j) {
        return j < p.size("N") ? b : (int) p.at("partner", b);
    }

    private static List<Integer> tokens(Problem p, int b) {
        int tokens = p.size("N");
        List<Integer> all = new ArrayList<>();
        for (int i = 0; i < tokens; i++) {
            all.add(i);
        }
        if (p.parameter("block", Block.class) == Block.PWCA) {
            return all;
        }
        all.removeFirst();
        double[] first = rollout(p, b)[0];
        all.sort(Comparator.comparingDouble(i -> -first[i]));
        if (p.flag("keep_class")) {
            all.addFirst(0);
        }
        return all;
    }

    private static double[][] rollout(Problem p, int b) {
        int n = p.size("N");
        double[][] product = new double[n][n];
        for (int i = 0; i < n; i++) {
            product[i][i] = 1;
        }
        for (int layer = 0; layer < p.size("L"); layer++) {
            double[][] map = halfMap(p, layer, b);
            double[][] next = new double[n][n];
            for (int i = 0; i < n; i++) {
                for (int j = 0; j < n; j++) {
                    for (int m = 0; m < n; m++) {
                        next[i][j] += map[i][m] * product[m][j];
                    }
                }
            }
            product = next;
        }
        return product;
    }

    /** Half the mean map of a layer, half the identity. */
    private static double[][] halfMap(Problem p, int layer, int b) {
        int n = p.size("N");
        int heads = p.size("H");
        double[] maps = Rows.softmax(1, heads, n, n, (one, h, i, j) -> {
            double s = 0;
            for (int d = 0; d < p.size("D"); d++) {
                s += p.at("layer_query", layer, b, h, i, d) * p.at("layer_key", layer, b, h, j, d);
            }
            return s / Math.sqrt(p.size("D"));
        });
        double[][] half = new double[n][n];
        for (int i = 0; i < n; i++) {
            half[i][i] = 0.5;
            for (int j = 0; j < n; j++) {
                for (int h = 0; h < heads; h++) {
                    half[i][j] += 0.5 * maps[(h * n + i) * n + j] / heads;
                }
            }
        }
        return half;
    }
}
