package dev.fovea.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class GeluTest {
    @Test
    void erfIsExactToFourTenMillionths() {
        for (double x = -6; x <= 6; x += 1.0 / 512) {
            assertThat((double) Gelu.erf((float) x)).as("erf(%s)", x).isCloseTo(erf(x), within(4e-7));
        }
    }

    @Test
    void replacesEachElement() {
        float[] x = {-20, -1, 0, 1, 20};
        Gelu.apply(x);
        assertThat(x[0]).as("half of x times the rounding of 1 + erf").isCloseTo(0, within(2e-6f));
        assertThat(x[1]).isCloseTo(-0.15865526f, within(2e-7f));
        assertThat(x[2]).isZero();
        assertThat(x[3]).isCloseTo(0.8413447f, within(2e-7f));
        assertThat(x[4]).isCloseTo(20, within(2e-6f));
    }

    /** The Maclaurin series times e^(x^2), whose terms are all positive, so that nothing cancels. */
    private static double erf(double x) {
        double term = x;
        double sum = x;
        for (int n = 1; n < 200; n++) {
            term *= 2 * x * x / (2 * n + 1);
            sum += term;
        }
        return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
    }
}
