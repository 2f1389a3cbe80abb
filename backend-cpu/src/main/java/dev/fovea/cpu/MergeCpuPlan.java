package dev.fovea.cpu;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.MergeArguments;
import dev.fovea.api.spec.MergeSpec;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.cpu.Scratch.Role;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Partials combined row by row, parts in order, sums in double precision. */
record MergeCpuPlan(CpuBackend backend, MergeSpec spec) implements DevicePlan {
    private static final int ROWS_A_TASK = 16;

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        backend.checkOpen();
        Run run = new Run(spec, (MergeArguments) arguments);
        backend.forEach(run.rows, ROWS_A_TASK, run::merge);
    }

    @Override
    public String describe() {
        return "cpu, merge of partials, " + backend.pool().size() + " threads";
    }

    @Override
    public void close() {}

    private static final class Run {
        private final MergeSpec spec;
        private final int parts;
        private final long heads;
        private final long queries;
        private final long rows;
        private final Strided maxima;
        private final Strided sums;
        private final Strided accumulators;
        private final long partStride;
        private final Tensor layout;
        private final @Nullable Strided weights;
        private final @Nullable Strided sinks;
        private final Rows output;
        private final @Nullable Rows logSumExp;

        Run(MergeSpec spec, MergeArguments a) {
            this.spec = spec;
            this.layout = a.accumulators();
            this.parts = Math.toIntExact(layout.size(0));
            this.heads = layout.size(2);
            this.queries = layout.size(3);
            this.rows = layout.size(1) * heads * queries;
            this.maxima = Strided.of(a.maxima());
            this.sums = Strided.of(a.sums());
            this.accumulators = Strided.of(layout);
            this.partStride = 4 * layout.stride(0);
            this.weights = a.weights() == null ? null : Strided.of(a.weights());
            this.sinks = a.sinks() == null ? null : Strided.of(a.sinks());
            this.output = Rows.of(a.output());
            this.logSumExp = a.logSumExp() == null ? null : Rows.of(a.logSumExp());
        }

        void merge(long row, Scratch scratch) {
            long b = row / queries / heads;
            long h = row / queries % heads;
            long s = row % queries;
            double max = sinks == null ? Double.NEGATIVE_INFINITY : sinks.floatAt(h, 0, 0, 0);
            double sink = max;
            boolean shifted = spec.rule() == MergeSpec.Rule.LOG_SUM_EXP;
            for (int i = 0; i < parts; i++) {
                double m = maxima.floatAt(i, b, h, s);
                max = m > max ? m : max;
            }
            double total = sink == Double.NEGATIVE_INFINITY ? 0 : StrictMath.exp(sink - max);
            int dim = spec.valueDim();
            double[] sum = new double[dim];
            float[] part = scratch.floats(Role.ROW, dim);
            long at = accumulators.at(0, b, h, s);
            for (int i = 0; i < parts; i++, at += partStride) {
                double m = maxima.floatAt(i, b, h, s);
                double l = sums.floatAt(i, b, h, s);
                if (m == Double.NEGATIVE_INFINITY) {
                    continue; // nothing visible: what the accumulator holds does not matter
                }
                double factor = 1;
                if (shifted) {
                    factor = StrictMath.exp(m - max);
                } else if (weights != null) {
                    if (l == 0) {
                        continue;
                    }
                    factor = weights.floatAt(i, b, h, s) / l;
                }
                total += l * factor;
                accumulators.read(at, part, dim);
                for (int d = 0; d < dim; d++) {
                    sum[d] += factor * part[d];
                }
            }
            double scale = weights != null ? 1 : total == 0 ? 0 : 1 / total;
            if (scale == 0) {
                Arrays.fill(sum, 0);
            }
            for (int d = 0; d < dim; d++) {
                part[d] = (float) (sum[d] * scale);
            }
            output.write(b, h, s, 1, part, 0, scratch);
            if (logSumExp != null) {
                logSumExp.put(b, h, s, (float) (max + StrictMath.log(total)));
            }
        }
    }
}
