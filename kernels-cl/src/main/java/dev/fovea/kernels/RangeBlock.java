package dev.fovea.kernels;

import dev.fovea.api.DType;
import dev.fovea.api.Tensor;

/**
 * Where the least and largest numbers of the blocks of a captured tensor lie in a workspace, along one axis: pairs of I32, packed, one
 * for all elements along an axis that is broadcast.
 *
 * @param axis the axis that is cut into blocks
 * @param offset pairs before the first one
 * @param sizes blocks along each axis
 */
public record RangeBlock(Tensor tensor, int axis, long offset, int[] sizes) {
    /** Elements of a block; {@code verdicts.clh} has the same. */
    public static final int LENGTH = 32;

    public static final int PAIR_BYTES = 8;

    public static RangeBlock of(Tensor t, int axis, long offset) {
        int[] sizes = {1, 1, 1, 1};
        for (int i = 0; i < t.rank(); i++) {
            long n = AttentionBlock.stride(t, i) == 0 ? 1 : t.size(i);
            sizes[i] = Math.toIntExact(i == axis ? Math.ceilDiv(n, LENGTH) : n);
        }
        return new RangeBlock(t, axis, offset, sizes);
    }

    /** Pairs in all. */
    public long count() {
        long n = 1;
        for (int size : sizes) {
            n *= size;
        }
        return n;
    }

    public boolean isBool() {
        return tensor.dtype() == DType.BOOL;
    }

    /** The {@code struct capture} that describes the pairs. */
    public byte[] bytes() {
        StructWriter w = new StructWriter().int64(offset);
        long[] strides = new long[4];
        long step = 1;
        for (int i = 3; i >= 0; i--) {
            strides[i] = sizes[i] == 1 ? 0 : step;
            step *= sizes[i];
        }
        for (long s : strides) {
            w.int64(s);
        }
        for (int size : sizes) {
            w.int32(size - 1);
        }
        return w.bytes();
    }
}
