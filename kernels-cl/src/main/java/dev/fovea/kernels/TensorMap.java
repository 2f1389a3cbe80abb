package dev.fovea.kernels;

import dev.fovea.api.DType;
import dev.fovea.api.Tensor;

/**
 * What Hopper's copy engine is told of a 16-bit tensor of four axes: the 128 bytes that CUDA calls a tensor map, as far as they are not zero.
 * The layout is that of compute capability 9.0, read off encodings of CUDA's own; the kernel adds the address, and the self-test of the
 * engine tells whether a device agrees.
 */
final class TensorMap {
    /** Columns of a box: 128 bytes, the width of the swizzle. */
    static final int BOX_COLUMNS = 64;

    /** Elements that every distance in memory is a multiple of. */
    static final int ALIGNMENT = 8;

    private static final int BYTES = 2;
    private static final long BF16 = 10;
    private static final long F16 = 6;
    private static final long SWIZZLE_128 = 3;
    private static final long PROMOTE_TO_128_BYTES = 2;
    private static final long TILE_ALIGNMENT = 1024;
    private static final long MOST_ENTRIES = 1L << 31;

    private TensorMap() {}

    /** Whether the engine can move rows of the tensor. */
    static boolean takes(Tensor t) {
        boolean fits = t.offset() % ALIGNMENT == 0;
        for (int axis = 0; axis < 3; axis++) {
            boolean one = t.size(axis) == 1;
            fits &= t.size(axis) > 0 && t.size(axis) < MOST_ENTRIES;
            fits &= one || t.stride(axis) > 0 && t.stride(axis) % ALIGNMENT == 0;
        }
        return fits && t.size(3) > 0;
    }

    /** {@code struct tensor_map} of [B, H, S, D] for boxes of one head, {@code boxRows} rows and {@link #BOX_COLUMNS} columns. */
    static void write(StructWriter w, Tensor t, int boxRows) {
        long[] strides = new long[3];
        for (int axis = 0; axis < 3; axis++) {
            strides[axis] = t.size(axis) == 1 ? ALIGNMENT : t.stride(axis);
        }
        write(w, t.dtype(), t.offset(), t.size(3), t.size(2), t.size(1), t.size(0), strides, boxRows);
    }

    /** The same of packed f16 [batches, heads, rows, columns] that begin {@code offset} elements into a buffer. */
    static void packed(StructWriter w, long offset, long batches, long heads, long rows, long columns, int boxRows) {
        long[] strides = {heads * rows * columns, rows * columns, columns};
        write(w, DType.F16, offset, columns, rows, heads, batches, strides, boxRows);
    }

    static void write(
            StructWriter w,
            DType type,
            long offset,
            long columns,
            long rows,
            long heads,
            long batches,
            long[] strides,
            int boxRows) {
        long rowStep = strides[2] * BYTES >> 4;
        long headStep = strides[1] * BYTES >> 4;
        long batchStep = strides[0] * BYTES >> 4;
        w.int64(offset * BYTES);
        w.int64(3L << 4
                | (type == DType.F16 ? F16 : BF16) << 7
                | SWIZZLE_128 << 13
                | PROMOTE_TO_128_BYTES << 17
                | low(rowStep) << 32);
        w.int64(low(headStep) | low(batchStep) << 32);
        w.int64((rowStep >> 32 & 15) << 32 | (headStep >> 32 & 15) << 36 | (batchStep >> 32 & 15) << 40);
        w.int64(low(columns - 1) | (rows - 1) << 32);
        w.int64(low(heads - 1) | (batches - 1) << 32);
        w.int64((long) (BOX_COLUMNS - 1) << 56);
        w.int64(boxRows - 1);
        w.int64((long) BOX_COLUMNS * boxRows * BYTES);
        w.int64(TILE_ALIGNMENT);
    }

    private static long low(long x) {
        return x & 0xffffffffL;
    }
}
