package dev.fovea.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.openjdk.jmh.annotations.Benchmark;

/** A benchmark of a loop that computes something else would be of no use: each body against float64. */
class KernelBenchmarkTest {
    private static final int KEYS = KernelBenchmark.KEYS;
    private static final double BOUND = 2e-5;

    private final KernelBenchmark bench = new KernelBenchmark();
    private final int lanes = bench.wide.lanes();

    @Test
    void everyBodyIsHere() {
        assertThat(Stream.of(KernelBenchmark.class.getMethods())
                        .filter(m -> m.isAnnotationPresent(Benchmark.class))
                        .map(m -> m.getName()))
                .containsExactlyInAnyOrder(
                        "scores",
                        "softmax",
                        "accumulate",
                        "rowScores",
                        "rowAccumulate",
                        "rowStream",
                        "smallScores",
                        "smallValues");
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 128})
    void scores(int dim) {
        bench.dim = dim;
        checkScores(bench.scores(), lanes, dim);
        checkScores(bench.smallScores(), bench.small() ? 16 : lanes, dim);
    }

    private void checkScores(float[] s, int lanes, int dim) {
        for (int r = 0; r < lanes; r++) {
            float largest = Float.NEGATIVE_INFINITY;
            for (int j = 0; j < KEYS; j++) {
                double sum = 0;
                for (int d = 0; d < dim; d++) {
                    sum += (double) bench.keys[j * bench.wide.keyPitch(dim) + d] * bench.queries[d * lanes + r];
                }
                close(s[j * lanes + r], sum);
                largest = Math.max(largest, s[j * lanes + r]);
            }
            assertThat(bench.top[r]).isEqualTo(largest);
        }
    }

    @Test
    void softmax() {
        Arrays.fill(bench.maxima, Float.NEGATIVE_INFINITY);
        Arrays.fill(bench.sums, 0);
        float[] s = bench.softmax();
        for (int r = 0; r < lanes; r++) {
            float max = Float.NEGATIVE_INFINITY;
            double sum = 0;
            for (int j = 0; j < KEYS; j++) {
                max = Math.max(max, bench.weights[j * lanes + r]);
            }
            for (int j = 0; j < KEYS; j++) {
                double p = Math.exp(bench.weights[j * lanes + r] - (double) max);
                sum += p;
                close(s[j * lanes + r], p);
            }
            assertThat(bench.maxima[r]).isEqualTo(max);
            close(bench.sums[r], sum);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 128})
    void accumulate(int dim) {
        bench.dim = dim;
        Arrays.fill(bench.output, 2);
        float[] o = bench.accumulate();
        for (int d = 0; d < dim; d++) {
            for (int r = 0; r < lanes; r++) {
                double sum = 2.0 * bench.rescale[r];
                for (int j = 0; j < KEYS; j++) {
                    sum += (double) bench.values[j * bench.wide.valuePitch(dim) + d] * bench.weights[j * lanes + r];
                }
                close(o[d * lanes + r], sum);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 128})
    void rows(int dim) {
        bench.dim = dim;
        checkRowScores(bench.rowScores(), dim);
        Arrays.fill(bench.rowOutput, 2);
        checkRowOutput(bench.rowAccumulate(), dim);
        Arrays.fill(bench.rowOutput, 2);
        Arrays.fill(bench.rowScores, 0);
        checkRowOutput(bench.rowStream(), dim);
        checkRowScores(bench.rowScores, dim);
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 128})
    void smallValues(int dim) {
        Assumptions.assumeTrue(bench.small(), "no vectors of 512 bits here");
        bench.dim = dim;
        float[] o = bench.smallValues();
        for (int r = 0; r < 16; r++) {
            for (int d = 0; d < dim; d++) {
                double sum = 0;
                for (int j = 0; j < KEYS; j++) {
                    sum += (double) bench.values[j * dim + d] * bench.weights[j * 16 + r];
                }
                close(o[r * dim + d], sum * bench.rescale[r]);
            }
        }
    }

    private void checkRowScores(float[] s, int dim) {
        for (int j = 0; j < KEYS; j++) {
            double sum = 0;
            for (int d = 0; d < dim; d++) {
                sum += (double) bench.keys[j * dim + d] * bench.queries[d];
            }
            close(s[j], 0.5 * sum);
        }
    }

    private void checkRowOutput(float[] o, int dim) {
        for (int d = 0; d < dim; d++) {
            double sum = 2.0 * bench.rescale[0];
            for (int j = 0; j < KEYS; j++) {
                sum += (double) bench.values[j * dim + d] * bench.weights[j];
            }
            close(o[d], sum);
        }
    }

    private static void close(double actual, double expected) {
        assertThat(actual).isCloseTo(expected, within(BOUND * Math.max(1, Math.abs(expected))));
    }
}
