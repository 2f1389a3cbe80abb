package dev.fovea.demo;

import java.util.stream.IntStream;

/** The exact Gaussian error linear unit, x·Φ(x) = x/2·(1 + erf(x/√2)) (Hendrycks and Gimpel 2016, arXiv:1606.08415). */
final class Gelu {
    private static final float HALF_SQRT = (float) Math.sqrt(0.5);
    private static final int CHUNK = 1 << 14;

    private Gelu() {}

    /** Replaces each element by its GELU. */
    static void apply(float[] x) {
        IntStream.range(0, Math.ceilDiv(x.length, CHUNK))
                .parallel()
                .forEach(c -> applyRange(x, c * CHUNK, Math.min(x.length, (c + 1) * CHUNK)));
    }

    private static void applyRange(float[] x, int from, int to) {
        for (int i = from; i < to; i++) {
            x[i] = 0.5f * x[i] * (1 + erf(x[i] * HALF_SQRT));
        }
    }

    /**
     * The error function as Eigen's odd rational approximation, exact to 4e-7: no branch and no call, so that the loop above
     * vectorises, which Math.exp would prevent.
     */
    static float erf(float value) {
        float x = Math.min(4, Math.max(-4, value));
        float s = x * x;
        float p = Math.fma(s, -2.7261424e-10f, 2.7706815e-8f);
        p = Math.fma(s, p, -2.101024e-6f);
        p = Math.fma(s, p, -5.6925062e-5f);
        p = Math.fma(s, p, -7.3499064e-4f);
        p = Math.fma(s, p, -2.9546e-3f);
        p = Math.fma(s, p, -1.6096033e-2f);
        float q = Math.fma(s, -1.4566072e-5f, -2.1337406e-4f);
        q = Math.fma(s, q, -1.682827e-3f);
        q = Math.fma(s, q, -7.3733293e-3f);
        q = Math.fma(s, q, -1.4264739e-2f);
        return x * p / q;
    }
}
