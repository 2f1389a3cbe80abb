package dev.fovea.opencl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.MergeArguments;
import dev.fovea.api.spec.MergeSpec;
import dev.fovea.api.spec.MergeSpec.Rule;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Merging against double arithmetic. */
class MergeTest {
    private static final int BATCH = 2;
    private static final int HEADS = 3;
    private static final int ROWS = 2;
    private static final int ALL = BATCH * HEADS * ROWS;

    private record Parts(int n, int dim, float[] m, float[] l, float[] w, float[] acc) {
        /** Row 0 is empty in every part, with rubbish in its accumulators; part 1 is empty in every other row. */
        static Parts random(int n, int dim, float rubbish) {
            SplittableRandom r = new SplittableRandom(n);
            Parts p = new Parts(
                    n, dim, new float[n * ALL], new float[n * ALL], new float[n * ALL], new float[n * ALL * dim]);
            for (int i = 0; i < n * ALL; i++) {
                boolean empty = i % ALL == 0 || i / ALL == 1 && i % 2 == 1;
                p.m[i] = empty ? Float.NEGATIVE_INFINITY : (float) (20 * r.nextGaussian());
                p.l[i] = empty ? 0 : 1 + (float) r.nextDouble(5);
                p.w[i] = (float) r.nextDouble();
                for (int c = 0; c < dim; c++) {
                    p.acc[i * dim + c] = empty ? rubbish : (float) r.nextGaussian();
                }
            }
            return p;
        }
    }

    /** The output, and behind it the log-sum-exp of each row. */
    private static double[] expected(Parts p, Rule rule, float[] sinks) {
        double[] out = new double[ALL * (p.dim + 1)];
        for (int row = 0; row < ALL; row++) {
            double sink = sinks.length == 0 ? Double.NEGATIVE_INFINITY : sinks[row / ROWS % HEADS];
            double m = sink;
            for (int i = 0; i < p.n; i++) {
                m = Math.max(m, p.m[i * ALL + row]);
            }
            double sum = m == Double.NEGATIVE_INFINITY ? 0 : Math.exp(sink - m);
            for (int i = 0; i < p.n; i++) {
                int at = i * ALL + row;
                if (p.l[at] == 0) {
                    continue;
                }
                double factor = switch (rule) {
                    case LOG_SUM_EXP -> Math.exp(p.m[at] - m);
                    case WEIGHTED -> (double) p.w[at] / p.l[at];
                    case RATIO -> 1;
                };
                sum += factor * p.l[at];
                for (int c = 0; c < p.dim; c++) {
                    out[row * p.dim + c] += factor * p.acc[at * p.dim + c];
                }
            }
            for (int c = 0; c < p.dim; c++) {
                out[row * p.dim + c] /= rule == Rule.WEIGHTED || sum == 0 ? 1 : sum;
            }
            out[ALL * p.dim + row] = m + Math.log(sum);
        }
        return out;
    }

    private static void check(int n, int dim, Rule rule, boolean sink, DType storage, double bound) {
        Parts p = Parts.random(n, dim, rule == Rule.RATIO ? 0 : Float.NaN);
        float[] sinks = sink ? new float[] {1, 30, -20} : new float[0];
        boolean lse = rule == Rule.LOG_SUM_EXP;
        try (Backend fovea = FirstDevice.open();
                Tensor m = fovea.copyOf(p.m, n, BATCH, HEADS, ROWS);
                Tensor l = fovea.copyOf(p.l, n, BATCH, HEADS, ROWS);
                Tensor w = fovea.copyOf(p.w, n, BATCH, HEADS, ROWS);
                Tensor acc = fovea.copyOf(p.acc, n, BATCH, HEADS, ROWS, dim);
                Tensor s = fovea.copyOf(sinks, sinks.length);
                Tensor o = fovea.allocate(storage, BATCH, HEADS, ROWS, dim);
                Tensor logSumExp = fovea.allocate(DType.F32, BATCH, HEADS, ROWS)) {
            fovea.run(
                    new MergeSpec(storage, dim, rule, sink, lse),
                    new MergeArguments(
                            m, l, acc, rule == Rule.WEIGHTED ? w : null, sink ? s : null, o, lse ? logSumExp : null));
            double[] e = expected(p, rule, sinks);
            float[] out = o.toFloatArray();
            for (int i = 0; i < out.length; i++) {
                assertThat((double) out[i]).as("%s, element %d", rule, i).isCloseTo(e[i], Offset.offset(bound));
            }
            if (lse) {
                float[] rows = logSumExp.toFloatArray();
                for (int i = 0; i < ALL; i++) {
                    double wanted = e[ALL * dim + i];
                    if (wanted == Double.NEGATIVE_INFINITY) {
                        assertThat(rows[i]).isEqualTo(Float.NEGATIVE_INFINITY);
                    } else {
                        assertThat((double) rows[i]).isCloseTo(wanted, Offset.offset(1e-5));
                    }
                }
            }
        }
    }

    @Test
    void byLogSumExp() {
        check(5, 37, Rule.LOG_SUM_EXP, false, DType.F32, 3e-6);
        check(40, 64, Rule.LOG_SUM_EXP, true, DType.F32, 3e-6);
        check(2, 8, Rule.LOG_SUM_EXP, true, DType.F16, 2e-3);
    }

    @Test
    void byWeights() {
        check(5, 37, Rule.WEIGHTED, false, DType.F32, 3e-6);
    }

    /** Numerators of empty parts count as they are: without a maximum there is nothing to know them by. */
    @Test
    void asRatio() {
        check(5, 37, Rule.RATIO, false, DType.F32, 3e-6);
    }
}
