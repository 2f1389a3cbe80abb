package dev.fovea.tools.bench.gpu;

import java.util.Arrays;
import java.util.Map;

/**
 * Times of a case.
 *
 * @param calls calls of a round
 * @param seconds of one call, for each round
 * @param more further times that the case has, in seconds, by name
 */
record Measurement(int calls, double[] seconds, Map<String, Double> more) {
    double median() {
        return median(seconds);
    }

    double least() {
        return Arrays.stream(seconds).min().orElse(Double.NaN);
    }

    static double median(double... values) {
        double[] sorted = Arrays.stream(values).sorted().toArray();
        int n = sorted.length;
        return n == 0 ? Double.NaN : (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
    }
}
