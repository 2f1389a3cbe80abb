package dev.fovea.conformance.mechanisms;

import java.util.Map;

/** One softmax over an image's own keys and, for images after the first, the image keys of image 0 at shifted positions. */
public final class AlignedGenOracle implements Oracle {
    @Override
    public String id() {
        return "alignedgen";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        int text = p.integer("text");
        int tokens = p.size("S");
        double lambda = Math.pow(p.real("timestep") / 1000, 2);
        double scale = 1 / Math.sqrt(p.size("D"));
        double[][] query = styled(p, "query");
        double[][] key = styled(p, "key");
        double[] o = Rows.attend(
                p.size("N"),
                p.size("H"),
                tokens,
                tokens + p.size("I"),
                p.size("Dv"),
                (b, h, i, j) -> {
                    double[] q = turned(p, query[row(p, b, h, i)], "cosine", "sine", i);
                    if (j < tokens) {
                        return scale * dot(q, turned(p, key[row(p, b, h, j)], "cosine", "sine", j));
                    }
                    double[] shared = key[row(p, 0, h, text + j - tokens)];
                    return b == 0
                            ? Double.NEGATIVE_INFINITY
                            : lambda * scale * dot(q, turned(p, shared, "shift_cosine", "shift_sine", j - tokens));
                },
                (b, h, j, c) -> j < tokens ? p.at("value", b, h, j, c) : p.at("value", 0, h, text + j - tokens, c));
        return Map.of("output", o);
    }

    private static int row(Problem p, int b, int h, int i) {
        return (b * p.size("H") + h) * p.size("S") + i;
    }

    /** Rows of all images, heads and tokens. */
    private static double[][] styled(Problem p, String name) {
        int text = p.integer("text");
        double[][] rows = new double[p.size("N") * p.size("H") * p.size("S")][p.size("D")];
        for (int b = 0; b < p.size("N"); b++) {
            for (int h = 0; h < p.size("H"); h++) {
                for (int d = 0; d < p.size("D"); d++) {
                    double[] own = statistics(p, name, b, h, d);
                    double[] first = statistics(p, name, 0, h, d);
                    for (int i = 0; i < p.size("S"); i++) {
                        double x = p.at(name, b, h, i, d);
                        rows[row(p, b, h, i)][d] = i < text ? x : (x - own[0]) / own[1] * first[1] + first[0];
                    }
                }
            }
        }
        return rows;
    }

    /** Mean and deviation over the image tokens. */
    private static double[] statistics(Problem p, String name, int b, int h, int d) {
        int n = p.size("I");
        double mean = 0;
        for (int i = 0; i < n; i++) {
            mean += p.at(name, b, h, p.integer("text") + i, d) / n;
        }
        double variance = 0;
        for (int i = 0; i < n; i++) {
            variance += Math.pow(p.at(name, b, h, p.integer("text") + i, d) - mean, 2) / (n - 1);
        }
        return new double[] {mean, Math.sqrt(variance + 1e-5)};
    }

    private static double[] turned(Problem p, double[] x, String cosine, String sine, int position) {
        double[] y = x.clone();
        for (int r = 0; r < p.size("R"); r++) {
            double c = p.at(cosine, position, r);
            double s = p.at(sine, position, r);
            y[2 * r] = x[2 * r] * c - x[2 * r + 1] * s;
            y[2 * r + 1] = x[2 * r + 1] * c + x[2 * r] * s;
        }
        return y;
    }

    private static double dot(double[] a, double[] b) {
        double s = 0;
        for (int d = 0; d < a.length; d++) {
            s += a[d] * b[d];
        }
        return s;
    }
}
