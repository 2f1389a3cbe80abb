package dev.fovea.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ExponentialTest {
    static List<Kernels> kernels() {
        KernelSet best = KernelSet.choose();
        return List.of(KernelSet.scalar(List.of()).wide(), best.wide(), best.middle(), best.narrow());
    }

    @Test
    void exp2WithinTheContract() {
        double worst = 0;
        for (int i = -125_990; i <= 126_000; i++) {
            float t = i * 0.001f;
            double exact = StrictMath.pow(2, t);
            worst = Math.max(worst, Math.abs(Exponential.exp2(t) - exact) / exact);
        }
        assertThat(worst).isLessThan(1.5e-7);
        assertThat(Exponential.exp2(0)).isEqualTo(1);
        assertThat(Exponential.exp2(Float.NEGATIVE_INFINITY)).isEqualTo(0);
        assertThat(Exponential.exp2(Float.NaN)).isNaN();
        assertThat(Exponential.exp2(Float.intBitsToFloat(0x7fc12345))).isNaN();
    }

    /** The argument of exp2 is a rounded product, hence the part that grows with it. */
    @ParameterizedTest
    @MethodSource("kernels")
    void softmaxExponentials(Kernels kernels) {
        int lanes = kernels.lanes();
        int keys = 64;
        float[] max = new float[lanes];
        for (float base = 0; base > -83; base -= 1.37f) {
            float[] s = new float[keys * lanes];
            for (int i = 0; i < s.length; i++) {
                s[i] = i == 5 ? Float.NEGATIVE_INFINITY : base - i * 0.001f;
            }
            float[] p = s.clone();
            float[] sum = new float[lanes];
            Arrays.fill(max, 0);
            float[] top = new float[lanes];
            kernels.top(p, keys, top);
            kernels.softmax(p, keys, true, top, max, sum, new float[lanes]);
            double[] total = new double[lanes];
            for (int i = 0; i < s.length; i++) {
                double exact = StrictMath.exp(s[i]);
                if (exact == 0) {
                    assertThat(p[i]).isZero();
                    continue;
                }
                assertThat((double) p[i]).isBetween(exact * (1 - bound(s[i])), exact * (1 + bound(s[i])));
                total[i % lanes] += p[i];
            }
            for (int r = 0; r < lanes; r++) {
                assertThat((double) sum[r]).isBetween(total[r] * (1 - 1e-5), total[r] * (1 + 1e-5));
            }
        }
    }

    /** To the base 2 nothing is rounded before the exponential. */
    @ParameterizedTest
    @MethodSource("kernels")
    void softmaxToTheBase2(Kernels kernels) {
        int lanes = kernels.lanes();
        int keys = 64;
        float[] s = new float[keys * lanes];
        for (int i = 0; i < s.length; i++) {
            s[i] = i == 5 ? Float.NEGATIVE_INFINITY : -i * 0.01f;
        }
        float[] p = s.clone();
        float[] top = new float[lanes];
        kernels.top(p, keys, top);
        assertThat(top[0]).isZero();
        assertThat(top[5]).isEqualTo(s[lanes + 5]);
        kernels.softmax(p, keys, false, top, new float[lanes], new float[lanes], new float[lanes]);
        for (int i = 0; i < s.length; i++) {
            double exact = StrictMath.pow(2, s[i]);
            assertThat((double) p[i]).isBetween(exact * (1 - 1.5e-7), exact * (1 + 1.5e-7));
        }
    }

    private static double bound(float x) {
        return 1.5e-7 + Math.abs(x) * 1.2e-7;
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void emptyColumnsStayEmptyAndNanStaysNan(Kernels kernels) {
        int lanes = kernels.lanes();
        float[] s = new float[8 * lanes];
        Arrays.fill(s, Float.NEGATIVE_INFINITY);
        s[1] = Float.intBitsToFloat(0x7fc12345);
        s[2] = 3;
        float[] max = new float[lanes];
        float[] sum = new float[lanes];
        float[] rescale = new float[lanes];
        Arrays.fill(max, Float.NEGATIVE_INFINITY);
        float[] top = new float[lanes];
        kernels.top(s, 8, top);
        kernels.softmax(s, 8, true, top, max, sum, rescale);
        assertThat(max[0]).isEqualTo(Float.NEGATIVE_INFINITY);
        assertThat(sum[0]).isZero();
        assertThat(rescale[0]).isFinite();
        assertThat(s[0]).isZero();
        assertThat(s[1]).isNaN();
        assertThat(sum[1]).isNaN();
        assertThat(max[2]).isEqualTo(3);
        assertThat(sum[2]).isEqualTo(1);
        assertThat(rescale[2]).isZero();
        assertThat(kernels.hasNan(s, 8 * lanes)).isTrue();
        s[1] = 0;
        assertThat(kernels.hasNan(s, 8 * lanes)).isFalse();
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void tanhWithinAFewUlp(Kernels kernels) {
        int n = 1 << 16;
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = i * (24f / n) - 12;
        }
        x[0] = Float.NEGATIVE_INFINITY;
        x[1] = Float.POSITIVE_INFINITY;
        x[2] = Float.NaN;
        x[3] = 1e-30f;
        x[4] = 3e38f;
        float[] y = new float[n];
        kernels.ops().tanh(x, y, n);
        double worst = 0;
        for (int i = 0; i < n; i++) {
            if (i == 2) {
                assertThat(y[i]).isNaN();
                continue;
            }
            double exact = StrictMath.tanh(x[i]);
            worst = Math.max(worst, Math.abs(y[i] - exact) / Math.ulp((float) exact));
        }
        assertThat(worst).isLessThan(3);
        assertThat(y[0]).isEqualTo(-1);
        assertThat(y[1]).isEqualTo(1);
    }

    private interface Function {
        void apply(TileOps ops, float[] a, float[] out, int n);
    }

    private static void compare(Kernels kernels, Function f, DoubleUnaryOperator exact, float[] x, double ulps) {
        float[] y = new float[x.length];
        f.apply(kernels.ops(), x, y, x.length);
        double worst = 0;
        for (int i = 0; i < x.length; i++) {
            double e = exact.applyAsDouble(x[i]);
            if (Math.abs(e) < Float.MIN_NORMAL) {
                assertThat(Math.abs(y[i])).as("at " + x[i]).isLessThanOrEqualTo(Float.MIN_NORMAL);
            } else if (Double.isNaN(e) || Math.abs(e) > Float.MAX_VALUE) {
                assertThat(Float.compare(y[i], (float) e)).as("at " + x[i]).isZero();
            } else {
                double off = Math.abs(y[i] - e) / Math.ulp((float) e);
                assertThat(off).as("at " + x[i] + ": " + y[i] + " for " + e).isLessThan(ulps);
                worst = Math.max(worst, off);
            }
        }
        assertThat(worst).isGreaterThan(0);
        for (int i = 0; i < 30; i++) { // compiled by now, at the latest
            float[] again = new float[x.length];
            f.apply(kernels.ops(), x, again, x.length);
            assertThat(again).isEqualTo(y);
        }
        for (int i = 0; i < Math.min(x.length, 64); i += 16) { // whatever the place in the array
            float[] part = Arrays.copyOfRange(x, i, i + 16);
            f.apply(kernels.ops(), part, part, 16);
            if (Species.LENGTH <= 16) {
                assertThat(part).isEqualTo(Arrays.copyOfRange(y, i, i + 16));
            }
        }
    }

    private static final float[] SPECIAL = {
        0,
        -0f,
        1,
        -1,
        Float.NaN,
        Float.POSITIVE_INFINITY,
        Float.NEGATIVE_INFINITY,
        Float.MAX_VALUE,
        -Float.MAX_VALUE,
        Float.MIN_NORMAL,
        Float.MIN_VALUE,
        -Float.MIN_VALUE,
        88,
        88.72283f,
        88.72284f,
        88.73f,
        -87.336f,
        -87.3366f,
        -103,
        127,
        127.5f,
        127.99999f,
        128,
        -126,
        -126.00001f,
        -125.5f,
        -149,
        2,
        4,
        0.5f,
        0.70710677f,
        0.7071068f,
        1.4142135f,
        1.4142137f,
        0.99999994f,
        1.0000001f,
        1e-40f,
        3e38f,
        89,
        -89,
        1e9f,
        -1e9f
    };

    private static float[] points(float from, float to) {
        float[] x = Arrays.copyOf(SPECIAL, 1 << 15);
        for (int i = SPECIAL.length; i < x.length; i++) {
            x[i] = from + i * ((to - from) / x.length);
        }
        return x;
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void functionsWithinAFewUlp(Kernels kernels) {
        compare(kernels, TileOps::exp, StrictMath::exp, points(-100, 100), 3);
        compare(kernels, TileOps::exp2, x -> StrictMath.pow(2, x), points(-140, 140), 3);
        compare(kernels, TileOps::sigmoid, x -> 1 / (1 + StrictMath.exp(-x)), points(-100, 100), 4);
        compare(kernels, TileOps::log, StrictMath::log, points(0, 5), 3);
        compare(kernels, TileOps::log, StrictMath::log, points(1e-30f, 1e30f), 3);
        compare(kernels, TileOps::log2, x -> StrictMath.log(x) / StrictMath.log(2), points(0, 5), 3);
        compare(kernels, TileOps::log2, x -> StrictMath.log(x) / StrictMath.log(2), points(1e-30f, 1e30f), 3);
        compare(kernels, TileOps::sqrt, StrictMath::sqrt, points(0, 5), 1);
        for (int e = -126; e <= 127; e++) {
            float[] x = new float[64];
            Arrays.fill(x, e);
            kernels.ops().exp2(x, x, 64);
            assertThat(x[5]).isEqualTo(Math.scalb(1f, e));
            kernels.ops().log2(x, x, 64);
            assertThat(x[5]).isEqualTo(e);
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void wholeDivisionIsExact(Kernels kernels) {
        int[] edges = {
            0,
            1,
            -1,
            2,
            -2,
            3,
            7,
            -7,
            64,
            100,
            4095,
            4096,
            1 << 24,
            (1 << 24) + 1,
            (1 << 30) - 1,
            Integer.MAX_VALUE,
            Integer.MAX_VALUE - 1,
            Integer.MIN_VALUE,
            Integer.MIN_VALUE + 1
        };
        java.util.Random random = new java.util.Random(1);
        int[] a = new int[1 << 14];
        for (int i = 0; i < a.length; i++) {
            a[i] = i < edges.length ? edges[i] : random.nextInt() >> random.nextInt(31);
        }
        int[] divided = new int[a.length];
        int[] rest = new int[a.length];
        int[] each = new int[a.length];
        int[] all = new int[a.length];
        for (int t = 0; t < 300; t++) {
            int d = t < edges.length ? edges[t] : random.nextInt() >> random.nextInt(31);
            kernels.ops().floorDivideInt(a, d, divided, a.length);
            kernels.ops().moduloInt(a, d, rest, a.length);
            Arrays.fill(all, d);
            kernels.ops().floorDivideInt(a, all, each, a.length);
            assertThat(divided).as("by " + d).isEqualTo(each);
            kernels.ops().moduloInt(a, all, each, a.length);
            assertThat(rest).as("by " + d).isEqualTo(each);
            for (int i = 0; i < a.length; i++) {
                int q = d == 0 ? 0 : Math.floorDiv(a[i], d);
                if (divided[i] != q || rest[i] != (d == 0 ? 0 : Math.floorMod(a[i], d))) {
                    assertThat(divided[i]).as(a[i] + " by " + d).isEqualTo(q);
                    assertThat(rest[i]).as(a[i] + " mod " + d).isEqualTo(d == 0 ? 0 : Math.floorMod(a[i], d));
                }
            }
        }
    }
}
