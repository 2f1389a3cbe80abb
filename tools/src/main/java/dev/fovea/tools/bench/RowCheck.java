package dev.fovea.tools.bench;

import dev.fovea.api.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/** Compares sampled rows of an output with a float64 loop over the same stored inputs: a wrong result has no speed. */
final class RowCheck {
    static final int ROWS = 8;

    private final BenchCase c;
    private final MemorySegment query;
    private final MemorySegment key;
    private final MemorySegment value;

    /** A row of an output. */
    interface Output {
        float[] row(int batch, int head, int query);
    }

    RowCheck(BenchCase c, float[] query, float[] key, float[] value) {
        this(c, MemorySegment.ofArray(query), MemorySegment.ofArray(key), MemorySegment.ofArray(value));
    }

    /** Of inputs as the case's shape says, f32, row-major. */
    RowCheck(BenchCase c, MemorySegment query, MemorySegment key, MemorySegment value) {
        this.c = c;
        this.query = query;
        this.key = key;
        this.value = value;
    }

    /**
     * Largest error of a sampled row as a share of what is allowed: rounding of probabilities and output to the storage type, and
     * 1e-5 for f32 sums over long rows, times the largest value. The conformance suite has the exact bound; this one catches a
     * result that is wrong.
     */
    double worst(Tensor output) {
        return worst((b, h, q) -> read(output, b, h, q));
    }

    double worst(Output output) {
        SplittableRandom random = new SplittableRandom(7);
        BenchShape s = c.shape();
        double worst = 0;
        for (int i = 0; i < ROWS; i++) {
            int b = random.nextInt(s.batch());
            int h = random.nextInt(s.heads());
            int q = i == 0 ? 0 : i == 1 ? s.queries() - 1 : random.nextInt(s.queries());
            worst = Math.max(worst, row(output, b, h, q));
        }
        return worst;
    }

    private double row(Output output, int b, int h, int q) {
        int d = c.shape().headDim();
        int from = c.from(q);
        int to = c.to(q);
        int keyRow =
                (b * c.shape().keyHeads() + h / (c.shape().heads() / c.shape().keyHeads()))
                        * c.shape().keys();
        int queryRow = (b * c.shape().heads() + h) * c.shape().queries() + q;
        double[] s = new double[to - from];
        double max = Double.NEGATIVE_INFINITY;
        double scale = (float) (1 / Math.sqrt((double) d));
        for (int k = from; k < to; k++) {
            double sum = 0;
            for (int i = 0; i < d; i++) {
                sum += (double) at(query, queryRow, d, i) * at(key, keyRow + k, d, i);
            }
            s[k - from] = scale * sum;
            max = Math.max(max, s[k - from]);
        }
        double total = 0;
        double[] o = new double[d];
        double largest = 0;
        for (int k = from; k < to; k++) {
            double p = Math.exp(s[k - from] - max);
            total += p;
            for (int i = 0; i < d; i++) {
                float v = at(value, keyRow + k, d, i);
                o[i] += p * v;
                largest = Math.max(largest, Math.abs(v));
            }
        }
        double allowed = (2 * (c.dtype().bytes() == 4 ? 0 : c.dtype().unitRoundoff()) + 1e-5) * largest;
        float[] got = output.row(b, h, q);
        double worst = 0;
        for (int i = 0; i < d; i++) {
            double error = Math.abs(got[i] - (total == 0 ? 0 : o[i] / total));
            worst = Math.max(worst, Double.isNaN(error) ? Double.POSITIVE_INFINITY : error);
        }
        return worst == 0 ? 0 : worst / allowed;
    }

    private static float at(MemorySegment rows, long row, int d, int i) {
        return rows.getAtIndex(ValueLayout.JAVA_FLOAT, row * d + i);
    }

    private static float[] read(Tensor output, int b, int h, int q) {
        try (Tensor batch = output.slice(0, b, b + 1L);
                Tensor head = batch.slice(1, h, h + 1L);
                Tensor row = head.slice(2, q, q + 1L)) {
            return row.toFloatArray();
        }
    }
}
