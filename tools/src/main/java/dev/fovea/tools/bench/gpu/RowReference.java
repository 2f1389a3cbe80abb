package dev.fovea.tools.bench.gpu;

import java.util.Arrays;

/** Rows of attention in float64, from the formula and the stored inputs, sharing nothing with the backends. */
final class RowReference {
    /** Reads a row of an input as it is stored: position s of a (key) head of a sequence. */
    interface Rows {
        void read(int batch, int head, int position, double[] to);
    }

    /**
     * One row.
     *
     * @param largest the largest value that it sees, which errors are judged by
     * @param logSumExp -inf where it sees no key
     */
    record Expected(double[] output, double largest, double logSumExp) {}

    private final GpuCase c;
    private final Rows query;
    private final Rows key;
    private final Rows value;

    RowReference(GpuCase c, Rows query, Rows key, Rows value) {
        this.c = c;
        this.query = query;
        this.key = key;
        this.value = value;
    }

    Expected row(GpuCase.Row at) {
        int head = at.head() / (c.heads() / c.keyHeads());
        int from = c.pairs().from(at.query());
        int to = c.pairs().to(at.query(), c.keys());
        double scale = (float) (1 / Math.sqrt((double) c.headDim()));
        double[] q = new double[c.headDim()];
        double[] k = new double[c.headDim()];
        query.read(at.batch(), at.head(), at.query(), q);
        double[] s = new double[to - from];
        for (int i = 0; i < s.length; i++) {
            key.read(at.batch(), head, from + i, k);
            double dot = 0;
            for (int d = 0; d < k.length; d++) {
                dot += q[d] * k[d];
            }
            s[i] = scale * dot + c.pairs().added(at.query(), from + i);
        }
        double max = Arrays.stream(s).max().orElse(Double.NEGATIVE_INFINITY);
        double[] v = new double[c.valueDim()];
        double[] o = new double[c.valueDim()];
        double sum = 0;
        double largest = 0;
        for (int i = 0; i < s.length; i++) {
            double p = Math.exp(s[i] - max);
            sum += p;
            value.read(at.batch(), head, from + i, v);
            for (int d = 0; d < v.length; d++) {
                o[d] += p * v[d];
                largest = Math.max(largest, Math.abs(v[d]));
            }
        }
        for (int d = 0; d < o.length; d++) {
            o[d] = sum == 0 ? 0 : o[d] / sum;
        }
        return new Expected(o, largest, max + Math.log(sum));
    }

    /** The same row in f32 step by step, which the error of f32 attention is compared with. */
    float[] plain(GpuCase.Row at) {
        int head = at.head() / (c.heads() / c.keyHeads());
        int from = c.pairs().from(at.query());
        float[] s = new float[c.pairs().to(at.query(), c.keys()) - from];
        double[] q = new double[c.headDim()];
        double[] k = new double[c.headDim()];
        query.read(at.batch(), at.head(), at.query(), q);
        float scale = (float) (1 / Math.sqrt((double) c.headDim()));
        float max = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < s.length; i++) {
            key.read(at.batch(), head, from + i, k);
            float dot = 0;
            for (int d = 0; d < k.length; d++) {
                dot += (float) q[d] * (float) k[d];
            }
            s[i] = scale * dot + (float) c.pairs().added(at.query(), from + i);
            max = Math.max(max, s[i]);
        }
        double[] v = new double[c.valueDim()];
        float[] o = new float[c.valueDim()];
        float sum = 0;
        for (int i = 0; i < s.length; i++) {
            float p = (float) Math.exp((double) (s[i] - max));
            sum += p;
            value.read(at.batch(), head, from + i, v);
            for (int d = 0; d < v.length; d++) {
                o[d] += p * (float) v[d];
            }
        }
        for (int d = 0; d < o.length; d++) {
            o[d] = sum == 0 ? 0 : o[d] / sum;
        }
        return o;
    }
}
