package dev.fovea.kernels;

import dev.fovea.api.spec.ReduceArguments;

/**
 * A run of reduce.cl: {@code struct reduce_block} and the work-groups.
 *
 * @param groups work-groups
 * @param bytes the struct
 */
public record ReduceBlock(long groups, byte[] bytes) {
    /** Elements that a work-item should have before a row takes more of them. */
    private static final int ELEMENTS = 8;

    /** Rows next to each other in memory that a work-group reads together. */
    private static final int NEIGHBOURS = 32;

    public static ReduceBlock of(ReduceArguments a, int threads) {
        View input = View.of(a.input());
        boolean across = input.rowsAreNearer();
        int most = across ? Math.max(1, threads / NEIGHBOURS) : threads;
        int lanes = Math.min(most, powerOfTwo(Math.ceilDiv(input.size(3), ELEMENTS)));
        int rows = threads / lanes;
        StructWriter w = new StructWriter();
        input.write(w);
        View.ofRows(a.output()).write(w);
        input.writeRows(w);
        w.int32(input.countedRows()).int32(input.size(3)).int32(lanes);
        w.int32(across ? rows : 1).int32(across ? 1 : lanes);
        return new ReduceBlock(Math.ceilDiv(input.rows(), rows), w.bytes());
    }

    /** The least power of two that is at least n. */
    static int powerOfTwo(int n) {
        return n <= 1 ? 1 : Integer.highestOneBit(n - 1) << 1;
    }
}
