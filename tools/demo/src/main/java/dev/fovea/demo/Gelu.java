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
        float p = Math.fma(s, -2.72614225801306e-10f, 2.77068142495902e-08f);
        p = Math.fma(s, p, -2.10102402082508e-06f);
        p = Math.fma(s, p, -5.69250639462346e-05f);
        p = Math.fma(s, p, -7.34990630326855e-04f);
        p = Math.fma(s, p, -2.95459980854025e-03f);
        p = Math.fma(s, p, -1.60960333262415e-02f);
        float q = Math.fma(s, -1.45660718464996e-05f, -2.13374055278905e-04f);
        q = Math.fma(s, q, -1.68282697438203e-03f);
        q = Math.fma(s, q, -7.37332916720468e-03f);
        q = Math.fma(s, q, -1.42647390514189e-02f);
        return x * p / q;
    }
}
