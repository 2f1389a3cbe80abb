package dev.fovea.tools.bench;

import java.util.List;

/**
 * A case of the CPU suite.
 *
 * @param vectorBytes limit of the JVM's vectors in bytes, 0 = as wide as the processor has
 * @param manyThreads whether more than one thread is of interest
 * @param baseline whether the same shape is also timed causal without a window
 * @param goals with one thread, except for those of more
 */
record CpuCase(BenchCase bench, int vectorBytes, boolean manyThreads, boolean baseline, List<Goal> goals) {
    String name() {
        String options = decode() ? "decode" : bench.options().isEmpty() ? "full" : bench.options();
        return bench.shape() + " " + options + (vectorBytes == 0 ? "" : " " + 8 * vectorBytes + "-bit");
    }

    /** Whether memory, not arithmetic, is what a call takes. */
    boolean decode() {
        return bench.shape().queries() == 1;
    }

    /** Whether peers have something to compare: they know no narrower vectors and no windows. */
    boolean peers() {
        return vectorBytes == 0 && !baseline;
    }
}
