package dev.fovea.kernels;

import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.api.Tensor;

/**
 * A tensor of one to four axes seen as four, the missing ones first with size 1: {@code struct view} and the sizes that the host needs.
 *
 * @param offset elements before the first one
 * @param strides elements between neighbours of an axis, 0 where there are none
 */
record View(long offset, long[] sizes, long[] strides) {
    private static final int AXES = 4;

    static View of(Tensor t) {
        return of(t, 0);
    }

    /** A tensor that lacks the last axis of others, seen as size 1. */
    static View ofRows(Tensor t) {
        return of(t, 1);
    }

    private static View of(Tensor t, int missing) {
        long[] sizes = {1, 1, 1, 1};
        long[] strides = new long[AXES];
        int first = AXES - missing - t.rank();
        for (int i = 0; i < t.rank(); i++) {
            sizes[first + i] = t.size(i);
            strides[first + i] = AttentionBlock.stride(t, i);
        }
        return new View(t.offset(), sizes, strides);
    }

    /** Rows and columns of matrices exchanged. */
    View transposed() {
        return new View(offset, new long[] {sizes[0], sizes[1], sizes[3], sizes[2]}, new long[] {
            strides[0], strides[1], strides[3], strides[2]
        });
    }

    int size(int axis) {
        return Math.toIntExact(sizes[axis]);
    }

    /** Rows along the last axis. */
    long rows() {
        return sizes[0] * sizes[1] * sizes[2];
    }

    /** The rows as kernels count them; quotients are exact up to there. */
    int countedRows() {
        if (rows() > Integer.MAX_VALUE) {
            throw new Unsupported(rows() + " rows are more than the kernel counts", "split the leading axes by slices");
        }
        return (int) rows();
    }

    long count() {
        return rows() * sizes[3];
    }

    /** Whether the elements of a row are further apart in memory than the rows are. */
    boolean rowsAreNearer() {
        return sizes[3] > 1 && sizes[2] > 1 && strides[2] < strides[3];
    }

    /** Whether rows are whole units of so many elements, and lie so. */
    boolean wholeUnits(int elements) {
        return offset % elements == 0
                && sizes[3] % elements == 0
                && strides[3] == 1
                && strides[0] % elements == 0
                && strides[1] % elements == 0
                && strides[2] % elements == 0;
    }

    /** {@code struct view}. */
    void write(StructWriter w) {
        w.int64(offset);
        for (long s : strides) {
            w.int64(s);
        }
    }

    /** {@code struct rows}. */
    void writeRows(StructWriter w) {
        writeDivisor(w, size(1));
        writeDivisor(w, size(2));
    }

    /** {@code struct divisor}: Granlund and Montgomery, "Division by invariant integers using multiplication" (1994). */
    static void writeDivisor(StructWriter w, int by) {
        int value = Math.max(1, by); // nothing is divided by the size of an empty axis
        int shift = 32 - Integer.numberOfLeadingZeros(value - 1);
        long magic = ((1L << 32) * ((1L << shift) - value)) / value + 1;
        w.int32((int) magic).int32(shift).int32(value);
    }
}
