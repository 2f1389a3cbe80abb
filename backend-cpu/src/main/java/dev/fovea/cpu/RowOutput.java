package dev.fovea.cpu;

import dev.fovea.cpu.Scratch.Role;
import java.util.Arrays;

/** Writes what is known of rows over all their keys: outputs, or partials as they are. */
final class RowOutput {
    private final AttentionCall call;
    private final Scratch scratch;
    private final int batch;
    private final int group;
    private final int dim;

    RowOutput(AttentionCall call, Scratch scratch, int batch, int group) {
        this.call = call;
        this.scratch = scratch;
        this.batch = batch;
        this.group = group;
        this.dim = call.spec.valueDim();
    }

    /** The rows from {@code first} on. */
    void write(long first, RowResult result) {
        float[] row = scratch.floats(Role.ROW, dim);
        for (int r = 0; r < result.rows(); r++) {
            System.arraycopy(result.accumulator(), r * result.pitch(), row, 0, dim);
            write(first + r, result.max()[r], result.sums()[r], row);
        }
    }

    /**
     * Merges results that follow each other in a workspace, in their order.
     *
     * @param at where those of the first part begin
     */
    void merge(long first, int rows, int parts, float[] workspace, int at) {
        int size = RowResult.size(dim);
        double[] sum = new double[dim];
        float[] row = scratch.floats(Role.ROW, dim);
        for (int r = 0; r < rows; r++) {
            float max = Float.NEGATIVE_INFINITY;
            for (int i = 0; i < parts; i++) {
                float m = workspace[at + (i * rows + r) * size];
                max = m > max ? m : max;
            }
            double total = 0;
            Arrays.fill(sum, 0);
            for (int i = 0; i < parts; i++) {
                int from = at + (i * rows + r) * size;
                float m = workspace[from];
                if (m == Float.NEGATIVE_INFINITY && !Float.isNaN(workspace[from + 1])) {
                    continue;
                }
                double factor = m == max ? 1 : StrictMath.exp((double) m - max);
                total += workspace[from + 1] * factor;
                for (int d = 0; d < dim; d++) {
                    sum[d] += workspace[from + 2 + d] * factor;
                }
            }
            for (int d = 0; d < dim; d++) {
                row[d] = (float) sum[d];
            }
            write(first + r, max, total, row);
        }
    }

    private void write(long at, float max, double sum, float[] row) {
        int head = group * call.groupHeads + (int) (at % call.groupHeads);
        int query = call.firstQuery(batch) + (int) (at / call.groupHeads);
        int outer = call.outer(batch);
        if (call.rowMaxima != null && call.rowSums != null) {
            call.rowMaxima.put(outer, head, query, max);
            call.rowSums.put(outer, head, query, (float) sum);
        } else {
            RowSum total = new RowSum(max, sum, 1);
            if (call.sinks != null) {
                total = total.withSink(call.sinks[head]);
            }
            float factor = total.factor();
            for (int d = 0; d < dim; d++) {
                row[d] *= factor;
            }
            if (call.logSumExp != null) {
                call.logSumExp.put(outer, head, query, total.logSumExp());
            }
        }
        call.output.write(outer, head, query, 1, row, 0, scratch);
    }
}
