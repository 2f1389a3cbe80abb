package dev.fovea.opencl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Attention;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.ExecutionStream;
import dev.fovea.api.HalfFloats;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.kernels.AttentionVariant;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Causal attention of every variant of the kernel against a double loop; the conformance suite does the rest. */
class AttentionSmokeTest {
    static final int HEADS = 2;
    static final int QUERIES = 67;
    static final int KEYS = 70;

    static float[] data(long seed, int n, DType storage) {
        SplittableRandom r = new SplittableRandom(seed);
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = HalfFloats.rounded((float) r.nextGaussian(), storage);
        }
        return x;
    }

    /** One key and value head for all query heads, the last query at the last key. */
    static double[] expected(float[] q, float[] k, float[] v, int d, int dv) {
        double[] o = new double[HEADS * QUERIES * dv];
        for (int row = 0; row < HEADS * QUERIES; row++) {
            int visible = row % QUERIES + KEYS - QUERIES + 1;
            double[] p = new double[visible];
            double sum = 0;
            for (int j = 0; j < visible; j++) {
                double dot = 0;
                for (int c = 0; c < d; c++) {
                    dot += (double) q[row * d + c] * k[j * d + c];
                }
                p[j] = Math.exp(dot / Math.sqrt(d));
                sum += p[j];
            }
            for (int c = 0; c < dv; c++) {
                double acc = 0;
                for (int j = 0; j < visible; j++) {
                    acc += p[j] * v[j * dv + c];
                }
                o[row * dv + c] = acc / sum;
            }
        }
        return o;
    }

    private static void check(DType storage, int d, int dv, UnaryOperator<AttentionVariant> change, double bound) {
        float[] q = data(1, HEADS * QUERIES * d, storage);
        float[] k = data(2, KEYS * d, storage);
        float[] v = data(3, KEYS * dv, storage);
        try (Backend fovea = FirstDevice.open();
                Tensor tq = fovea.copyOf(q, storage, 1, HEADS, QUERIES, d);
                Tensor tk = fovea.copyOf(k, storage, 1, 1, KEYS, d);
                Tensor tv = fovea.copyOf(v, storage, 1, 1, KEYS, dv);
                Tensor to = fovea.allocate(storage, 1, HEADS, QUERIES, dv);
                Tensor offset = fovea.copyOf(new int[] {KEYS - QUERIES}, 1);
                ExecutionStream stream = fovea.newStream()) {
            AttentionSpec spec = Attention.causal().queryOffset(3).spec(tq, tk, tv);
            OpenClBackend device = fovea.capability(OpenClBackend.class).orElseThrow();
            AttentionArguments plain = new AttentionArguments(tq, tk, tv, to);
            try (OpenClAttentionPlan plan =
                    new OpenClAttentionPlan(device, spec, List.of(change.apply(AttentionVariant.of(spec))))) {
                plan.run(
                        new AttentionArguments(
                                tq,
                                tk,
                                tv,
                                to,
                                plain.scale(),
                                null,
                                null,
                                null,
                                offset,
                                null,
                                null,
                                null,
                                plain.captures(),
                                plain.scalars()),
                        stream);
                float[] o = to.toFloatArray();
                double[] e = expected(q, k, v, d, dv);
                for (int i = 0; i < o.length; i++) {
                    assertThat((double) o[i])
                            .as("element %d by %s", i, plan.describe())
                            .isCloseTo(e[i], org.assertj.core.data.Offset.offset(bound));
                }
            }
        }
    }

    @Test
    void unrolled() {
        check(DType.F32, 64, 64, v -> v, 2e-6);
    }

    @Test
    void copiedAhead() {
        check(DType.F32, 64, 64, AttentionVariant::copiedAhead, 2e-6);
        check(DType.F32, 40, 52, AttentionVariant::copiedAhead, 2e-6);
    }

    @Test
    void compact() {
        check(DType.F32, 40, 72, AttentionVariant::compact, 2e-6);
    }

    @Test
    void fewRowsToAWorkGroup() {
        check(DType.F32, 130, 150, v -> v.compact().smaller(), 2e-6);
    }

    @Test
    void wideDistances() {
        check(DType.F16, 33, 40, v -> v.compact().widened(), 4e-3);
    }

    @Test
    void bfloat16() {
        check(DType.BF16, 72, 128, AttentionVariant::compact, 3e-2);
    }
}
