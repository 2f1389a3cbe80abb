package dev.fovea.mechanisms;

import java.util.SplittableRandom;

/** Makes example values of an input, row-major. */
public interface Sampler {
    /**
     * Makes the values.
     *
     * @param count number of elements
     * @param example gives the sizes of the axes by name
     */
    double[] sample(SplittableRandom random, int count, Example example);

    /** Numbers of a normal distribution with variance 1. */
    static Sampler normal() {
        return normal(1);
    }

    static Sampler normal(double deviation) {
        return (random, count, example) -> fill(count, i -> deviation * random.nextGaussian());
    }

    /** Numbers from low (inclusive) to high (exclusive). */
    static Sampler uniform(double low, double high) {
        return (random, count, example) -> fill(count, i -> low + (high - low) * random.nextDouble());
    }

    /** Whole numbers from low to high, both inclusive. */
    static Sampler integers(int low, int high) {
        return (random, count, example) -> fill(count, i -> low + random.nextInt(high - low + 1));
    }

    /** Whole numbers from 0 to the size of an axis, exclusive. */
    static Sampler indices(String axis) {
        return (random, count, example) -> fill(count, i -> random.nextInt(example.size(axis)));
    }

    /** True with a probability. */
    static Sampler truth(double probability) {
        return (random, count, example) -> fill(count, i -> random.nextDouble() < probability ? 1 : 0);
    }

    /** Ids that rise along the last axis, from 0 on: documents, shots, segments of some length. */
    static Sampler segments(String lastAxis, int length) {
        return (random, count, example) -> fill(count, i -> Math.floorDiv(i % example.size(lastAxis), length));
    }

    /** The index of each element. */
    static Sampler counting() {
        return (random, count, example) -> fill(count, i -> i);
    }

    /** A value for each position. */
    interface Element {
        double at(int index);
    }

    /** Values by position. */
    static double[] fill(int count, Element element) {
        double[] x = new double[count];
        for (int i = 0; i < count; i++) {
            x[i] = element.at(i);
        }
        return x;
    }
}
