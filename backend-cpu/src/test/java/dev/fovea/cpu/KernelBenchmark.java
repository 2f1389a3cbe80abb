package dev.fovea.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** The inner loops of attention on a tile in the caches: the profile {@code jmh} of backend-cpu's pom runs them. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class KernelBenchmark {
    static final int KEYS = 64;

    /** Columns of keys, channels of values. */
    @Param({"64", "128"})
    public int dim = 64;

    final KernelSet set = KernelSet.choose();
    final Kernels wide = set.wide();
    final RowKernels rows = set.rows();
    final float[] keys = AttentionNumericsTest.gaussians(KEYS * wide.keyPitch(128));
    final float[] values = AttentionNumericsTest.gaussians(KEYS * wide.valuePitch(128));
    final float[] queries = AttentionNumericsTest.gaussians(128 * wide.lanes());
    final float[] scores = new float[KEYS * wide.lanes()];
    final float[] weights = AttentionNumericsTest.gaussians(KEYS * wide.lanes());
    final float[] top = new float[wide.lanes()];
    final float[] maxima = new float[wide.lanes()];
    final float[] sums = new float[wide.lanes()];
    final float[] rescale = AttentionNumericsTest.gaussians(wide.lanes());
    final float[] output = new float[128 * wide.lanes()];
    final float[] rowScores = new float[KEYS];
    final float[] rowOutput = new float[128];
    final float[] work = new float[rows.workSize()];
    final RowGroups keyRows = new RowGroups(rows.keyStep(), KEYS);
    final RowGroups valueRows = new RowGroups(rows.keyStep(), KEYS);

    /** What is timed; whether it is right is asked of each body by {@code KernelBenchmarkTest}. */
    public KernelBenchmark() {}

    @Benchmark
    public float[] scores() {
        wide.scores(keys, 0, KEYS, wide.keyPitch(dim), dim, queries, scores, top);
        return scores;
    }

    /** With a copy of the scores, which it replaces, and the largest of each row, which the products otherwise bring. */
    @Benchmark
    public float[] softmax() {
        System.arraycopy(weights, 0, scores, 0, scores.length);
        wide.top(scores, KEYS, top);
        wide.softmax(scores, KEYS, true, top, maxima, sums, rescale);
        return scores;
    }

    @Benchmark
    public float[] accumulate() {
        wide.accumulate(values, 0, KEYS, wide.valuePitch(dim), dim, weights, rescale, output);
        return output;
    }

    @Benchmark
    public float[] rowScores() {
        place();
        rows.scores(keyRows, dim, queries, 1, 0.5f, rowScores, KEYS, work, valueRows, keyRows);
        return rowScores;
    }

    @Benchmark
    public float[] rowAccumulate() {
        place();
        rows.accumulate(valueRows, dim, weights, KEYS, 1, rescale, rowOutput);
        return rowOutput;
    }

    /** Values and the next keys of one row together; apart where the vectors do not suit. */
    @Benchmark
    public float[] rowStream() {
        place();
        if (rows.streams(dim, dim)) {
            rows.stream(valueRows, weights, rescale[0], rowOutput, keyRows, dim, queries, 0.5f, rowScores, work);
            return rowOutput;
        }
        rowScores();
        return rowAccumulate();
    }

    /** Scores of a small block; of a tile where there is none. */
    @Benchmark
    public float[] smallScores() {
        if (!small()) {
            return scores();
        }
        VectorSmallKernels.scores(keys, KEYS, dim, queries, scores, top);
        return scores;
    }

    /** Outputs of a small block, likewise. */
    @Benchmark
    public float[] smallValues() {
        if (!small()) {
            return accumulate();
        }
        VectorSmallKernels.values(valueMemory, 0, 4L * dim, KEYS, dim, weights, rescale, output, rowScores);
        return output;
    }

    boolean small() {
        return set.vectorBits() == SmallBlock.VECTOR_BITS;
    }

    private final MemorySegment keyMemory = memory(keys);
    private final MemorySegment valueMemory = memory(values);

    private void place() {
        keyRows.clear();
        valueRows.clear();
        keyRows.add(keyMemory, 0, 4L * dim, KEYS);
        valueRows.add(valueMemory, 0, 4L * dim, KEYS);
    }

    private static MemorySegment memory(float[] from) {
        MemorySegment to = Arena.ofAuto().allocate(4L * from.length, 64);
        MemorySegment.copy(MemorySegment.ofArray(from), 0, to, 0, to.byteSize());
        return to;
    }
}
