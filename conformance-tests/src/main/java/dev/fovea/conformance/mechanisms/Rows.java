package dev.fovea.conformance.mechanisms;

/** The softmax of the formulas, in float64. */
final class Rows {
    private Rows() {}

    /** A score; -inf where the key is masked. */
    interface Score {
        double at(int b, int h, int i, int j);
    }

    /** A value. */
    interface Value {
        double at(int b, int h, int j, int c);
    }

    /** Whether a query sees a key. */
    interface Visible {
        boolean test(int b, int h, int i, int j);
    }

    /** {@code softmax(query key' / sqrt(D) where visible) value} of the inputs of these names, with as many heads each. */
    static double[] attend(Problem p, Visible visible) {
        double scale = 1 / Math.sqrt(p.input("query").size(3));
        return attend(
                p.input("query").size(0),
                p.input("query").size(1),
                p.input("query").size(2),
                p.input("key").size(2),
                p.input("value").size(3),
                (b, h, i, j) -> visible.test(b, h, i, j)
                        ? scale * dot(p, "query", "key", b, h, i, j)
                        : Double.NEGATIVE_INFINITY,
                (b, h, j, c) -> p.at("value", b, h, j, c));
    }

    /** Weights [B, H, Sq, Sk]; a row without a key is 0. */
    static double[] softmax(int b, int h, int sq, int sk, Score score) {
        double[] p = new double[b * h * sq * sk];
        for (int row = 0; row < b * h * sq; row++) {
            double most = Double.NEGATIVE_INFINITY;
            for (int j = 0; j < sk; j++) {
                double s = score.at(row / sq / h, row / sq % h, row % sq, j);
                p[row * sk + j] = s;
                most = Math.max(most, s);
            }
            double sum = 0;
            for (int j = 0; j < sk; j++) {
                double s = p[row * sk + j];
                p[row * sk + j] = s == Double.NEGATIVE_INFINITY ? 0 : Math.exp(s - most);
                sum += p[row * sk + j];
            }
            for (int j = 0; j < sk && sum > 0; j++) {
                p[row * sk + j] /= sum;
            }
        }
        return p;
    }

    /** {@code softmax(score) value}: [B, H, Sq, Dv]. */
    static double[] attend(int b, int h, int sq, int sk, int dv, Score score, Value value) {
        double[] p = softmax(b, h, sq, sk, score);
        double[] o = new double[b * h * sq * dv];
        for (int row = 0; row < b * h * sq; row++) {
            for (int j = 0; j < sk; j++) {
                for (int c = 0; c < dv && p[row * sk + j] != 0; c++) {
                    o[row * dv + c] += p[row * sk + j] * value.at(row / sq / h, row / sq % h, j, c);
                }
            }
        }
        return o;
    }

    /** {@code sum over d of q[b, h, i, d] k[b, h, j, d]} of inputs of these names. */
    static double dot(Problem p, String query, String key, int b, int h, int i, int j) {
        double[] x = p.input(query).row(b, h, i);
        double[] y = p.input(key).row(b, h, j);
        double s = 0;
        for (int d = 0; d < x.length; d++) {
            s += x[d] * y[d];
        }
        return s;
    }
}
