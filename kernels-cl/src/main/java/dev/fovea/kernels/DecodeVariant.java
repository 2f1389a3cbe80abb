package dev.fovea.kernels;

import dev.fovea.api.spec.AttentionSpec;

/**
 * What is fixed when the decode kernel is compiled, besides the expressions and the key source.
 *
 * @param rows query rows of a work-group: 1, 2, 4 or 8
 * @param keyLanes work-items along the columns of a key: 4 or 8, at least as many as rows
 * @param valueLanes work-items along the columns of a value, a power of two; each has eight
 * @param queryDim the head dim, padded
 * @param even whether the head dim is not padded and falls evenly to the lanes
 * @param aligned whether rows of K and V can be moved eight columns at a time
 * @param wide 64-bit distances inside a slice
 * @param unrolled loops over register blocks unrolled; a CPU compiles several times faster without
 */
public record DecodeVariant(
        int rows,
        int keyLanes,
        int valueLanes,
        int queryDim,
        boolean even,
        boolean aligned,
        boolean wide,
        boolean unrolled)
        implements DecodeKernel {
    /** Work-items of a work-group of this kernel, and of the one that merges. */
    public static final int THREADS = 128;

    /** What tuning may choose: keyLanes, and how many KiB of keys and values are a part, which is up to who cuts. */
    public static final TuningSpace SPACE =
            TuningSpace.of().with("keyLanes", 4, 8).with("partKiB", 32, 64, 128, 256, 512);

    private static final int LOCAL_FLOATS = 8192;
    private static final int PADDING = 32;
    private static final int MOST_ROWS = 8;
    private static final int MOST_VALUE_LANES = 64;

    /** The variant for at most this many rows; a variant of fewer rows where local memory is short. */
    public static DecodeVariant of(AttentionSpec spec, long rows, boolean aligned, boolean wide, boolean unrolled) {
        return of(spec, usualKeyLanes(spec), rows, aligned, wide, unrolled);
    }

    /** Work-items along the columns of a key unless tuning says otherwise. */
    public static int usualKeyLanes(AttentionSpec spec) {
        return spec.headDim() <= 32 ? 4 : 8;
    }

    /** The same with so many key lanes, 4 or 8. */
    public static DecodeVariant of(
            AttentionSpec spec, int keyLanes, long rows, boolean aligned, boolean wide, boolean unrolled) {
        int valueLanes = Math.min(MOST_VALUE_LANES, ceilPower(Math.ceilDiv(spec.valueDim(), 8)));
        int queryDim = Math.ceilDiv(spec.headDim(), PADDING) * PADDING;
        int r = ceilPower(Math.clamp(rows, 1, Math.min(keyLanes, MOST_ROWS)));
        while (r > 1 && localFloats(r, keyLanes, queryDim) > LOCAL_FLOATS) {
            r /= 2;
        }
        boolean even = spec.headDim() % (8 * keyLanes) == 0;
        return new DecodeVariant(r, keyLanes, valueLanes, queryDim, even, aligned, wide, unrolled);
    }

    private static int ceilPower(int n) {
        return n <= 1 ? 1 : Integer.highestOneBit(n - 1) * 2;
    }

    private static int localFloats(int rows, int keyLanes, int queryDim) {
        int exchange = Math.max(THREADS * (4 * keyLanes + 4), Math.min(rows, 4) * THREADS * 8);
        return rows * queryDim + exchange + 5 * THREADS + 16 + (5 * THREADS - 32);
    }

    /** Whether a query row fits the local memory. */
    public boolean fits() {
        return localFloats(rows, keyLanes, queryDim) <= LOCAL_FLOATS;
    }

    @Override
    public int workItems() {
        return THREADS;
    }

    @Override
    public int slices(int valueDim) {
        return Math.ceilDiv(valueDim, 8 * valueLanes);
    }

    @Override
    public boolean merges() {
        return false;
    }

    @Override
    public KernelSource parts(AttentionSpec spec) {
        return Kernels.decode("decode", "decode.cl", defines(), spec);
    }

    @Override
    public KernelSource merge(AttentionSpec spec) {
        return Kernels.decode("decode_merge", "decode.cl", defines(), spec);
    }

    private String defines() {
        return "#define ROWS " + rows + "\n#define K_LANES " + keyLanes + "\n#define V_LANES " + valueLanes
                + "\n#define QUERY_DIM " + queryDim + "\n#define EVEN " + (even ? 1 : 0) + "\n#define ALIGNED "
                + (aligned ? 1 : 0) + "\n#define WIDE "
                + (wide ? 1 : 0) + "\n#define UNROLL " + (unrolled ? MOST_ROWS : 1) + "\n";
    }
}
