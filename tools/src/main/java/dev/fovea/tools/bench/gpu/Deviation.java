package dev.fovea.tools.bench.gpu;

import dev.fovea.tools.bench.gpu.RowReference.Expected;
import java.util.List;

/**
 * How far rows are from what is expected.
 *
 * @param max largest absolute error
 * @param rms root of the mean square error
 * @param largestShare largest error of a row by the largest value that the row sees
 */
record Deviation(double max, double rms, double largestShare) {
    static Deviation of(List<float[]> got, List<Expected> expected) {
        double max = 0;
        double share = 0;
        double squares = 0;
        long count = 0;
        for (int i = 0; i < got.size(); i++) {
            double worst = 0;
            double[] right = expected.get(i).output();
            for (int d = 0; d < right.length; d++) {
                double error = finite(Math.abs(got.get(i)[d] - right[d]));
                worst = Math.max(worst, error);
                squares += error * error;
                count++;
            }
            max = Math.max(max, worst);
            share = worst == 0 ? share : Math.max(share, worst / expected.get(i).largest());
        }
        return new Deviation(max, Math.sqrt(squares / count), share);
    }

    /** NaN is as wrong as can be. */
    static double finite(double error) {
        return Double.isNaN(error) ? Double.POSITIVE_INFINITY : error;
    }
}
