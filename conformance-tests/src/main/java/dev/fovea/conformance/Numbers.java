package dev.fovea.conformance;

import java.util.SplittableRandom;

/** Arrays of random numbers, and their comparison, as laws need them. */
final class Numbers {
    private Numbers() {}

    static float[] gaussian(long seed, int n) {
        SplittableRandom r = new SplittableRandom(seed);
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) r.nextGaussian();
        }
        return x;
    }

    static float[] scaled(float[] x, double factor) {
        float[] y = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i] = (float) (factor * x[i]);
        }
        return y;
    }

    /** A sentence about the first elements that differ by more than the bound; empty if none do. */
    static String near(float[] a, float[] b, double bound) {
        for (int i = 0; i < Math.min(a.length, b.length); i++) {
            if (!(Math.abs(a[i] - b[i]) <= bound)) {
                return "element " + i + ": " + a[i] + " and " + b[i];
            }
        }
        return a.length == b.length ? "" : a.length + " and " + b.length + " elements";
    }
}
