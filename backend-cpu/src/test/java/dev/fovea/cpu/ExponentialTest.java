package dev.fovea.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ExponentialTest {
    static List<Kernels> kernels() {
        KernelSet best = KernelSet.choose();
        return List.of(KernelSet.scalar(List.of()).wide(), best.wide(), best.narrow());
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
            kernels.softmax(p, keys, max, sum, new float[lanes]);
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
        kernels.softmax(s, 8, max, sum, rescale);
        assertThat(max[0]).isEqualTo(Float.NEGATIVE_INFINITY);
        assertThat(sum[0]).isZero();
        assertThat(rescale[0]).isFinite();
        assertThat(s[0]).isZero();
        assertThat(s[1]).isNaN();
        assertThat(sum[1]).isNaN();
        assertThat(max[2]).isEqualTo(3);
        assertThat(sum[2]).isEqualTo(1);
        assertThat(rescale[2]).isZero();
        assertThat(kernels.hasNan(sum, lanes)).isTrue();
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
}
