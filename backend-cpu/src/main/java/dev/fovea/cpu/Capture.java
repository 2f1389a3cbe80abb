package dev.fovea.cpu;

import dev.fovea.api.DType;
import dev.fovea.api.HalfFloats;
import dev.fovea.api.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** A captured tensor of a run, read element by element; positions are in elements from its first one. */
final class Capture {
    private final MemorySegment memory;
    private final DType dtype;
    private final long offset;
    private final long[] sizes;
    private final long[] strides;

    private Capture(MemorySegment memory, DType dtype, long offset, long[] sizes, long[] strides) {
        this.memory = memory;
        this.dtype = dtype;
        this.offset = offset;
        this.sizes = sizes;
        this.strides = strides;
    }

    static Capture of(Tensor t) {
        long[] strides = new long[t.rank()];
        for (int i = 0; i < strides.length; i++) {
            strides[i] = t.stride(i);
        }
        return new Capture(((CpuStorage) t.storage()).segment(), t.dtype(), t.offset(), t.shape(), strides);
    }

    /** Part of a position: an index of an axis, clamped to the tensor. */
    long part(int axis, int index) {
        return Math.clamp(index, 0, sizes[axis] - 1) * strides[axis];
    }

    int rank() {
        return sizes.length;
    }

    int clamp(int axis, int index) {
        return (int) Math.clamp(index, 0, sizes[axis] - 1);
    }

    /** How many of these indices of an axis, from the first on, lie next to each other in memory; at least 1. */
    int neighbours(int axis, int[] indices, int count) {
        int first = indices[0];
        if (strides[axis] != 1 || first < 0 || first >= sizes[axis]) {
            return 1;
        }
        int most = (int) Math.min(count, sizes[axis] - first);
        int n = 1;
        while (n < most && indices[n] == first + n) {
            n++;
        }
        return n;
    }

    /** Elements along an axis that differ in memory. */
    long distinct(int axis) {
        return strides[axis] == 0 ? Math.min(1, sizes[axis]) : sizes[axis];
    }

    boolean isTruth() {
        return dtype == DType.BOOL;
    }

    boolean isWhole() {
        return dtype == DType.BOOL || dtype == DType.I32;
    }

    float floatAt(long position) {
        long at = (offset + position) * dtype.bytes();
        return switch (dtype) {
            case F16 -> Float.float16ToFloat(memory.get(ValueLayout.JAVA_SHORT, at));
            case BF16 -> HalfFloats.fromBf16(memory.get(ValueLayout.JAVA_SHORT, at));
            default -> memory.get(ValueLayout.JAVA_FLOAT, at);
        };
    }

    /** An integer, or a truth value as 0 or -1. */
    int intAt(long position) {
        long at = (offset + position) * dtype.bytes();
        return dtype == DType.I32
                ? memory.get(ValueLayout.JAVA_INT, at)
                : memory.get(ValueLayout.JAVA_BYTE, at) == 0 ? 0 : -1;
    }

    /** Reads n floats at these indices of an axis, clamped. */
    void read(long position, int axis, int[] indices, float[] to, int n, Scratch scratch) {
        if (distinct(axis) == 1) {
            Arrays.fill(to, 0, n, floatAt(position));
            return;
        }
        int run = 0;
        if (strides[axis] == 1 && indices[0] >= 0 && indices[0] < sizes[axis]) {
            run = neighbours(axis, indices, n);
            read(position + indices[0], to, 0, run, scratch);
        }
        long stride = strides[axis];
        long last = sizes[axis] - 1;
        for (int i = run; i < n; i++) {
            to[i] = floatAt(position + Math.clamp(indices[i], 0, last) * stride);
        }
    }

    /** Reads n integers or truth values at these indices of an axis, clamped. */
    void read(long position, int axis, int[] indices, int[] to, int n, Scratch scratch) {
        if (distinct(axis) == 1) {
            Arrays.fill(to, 0, n, intAt(position));
            return;
        }
        int run = 0;
        if (strides[axis] == 1 && indices[0] >= 0 && indices[0] < sizes[axis]) {
            run = neighbours(axis, indices, n);
            read(position + indices[0], to, 0, run, scratch);
        }
        long stride = strides[axis];
        long last = sizes[axis] - 1;
        for (int i = run; i < n; i++) {
            to[i] = intAt(position + Math.clamp(indices[i], 0, last) * stride);
        }
    }

    /** Reads {@code n} floats that are neighbours in memory. */
    void read(long position, float[] to, int start, int n, Scratch scratch) {
        long at = (offset + position) * dtype.bytes();
        if (dtype == DType.F32) {
            MemorySegment.copy(memory, ValueLayout.JAVA_FLOAT, at, to, start, n);
            return;
        }
        short[] packed = scratch.shorts(n);
        MemorySegment.copy(memory, ValueLayout.JAVA_SHORT, at, packed, 0, n);
        if (dtype == DType.F16) {
            scratch.halves().fromF16(packed, to, start, n);
        } else {
            scratch.halves().fromBf16(packed, to, start, n);
        }
    }

    /** Reads {@code n} integers or truth values that are neighbours in memory. */
    void read(long position, int[] to, int start, int n, Scratch scratch) {
        long at = (offset + position) * dtype.bytes();
        if (dtype == DType.I32) {
            MemorySegment.copy(memory, ValueLayout.JAVA_INT, at, to, start, n);
            return;
        }
        byte[] packed = scratch.bytes(n);
        MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, at, packed, 0, n);
        for (int i = 0; i < n; i++) {
            to[start + i] = -(packed[i] & 0xff) >> 31; // 0 stays 0, all else becomes -1, without a branch
        }
    }

    /** Reads {@code n} truth values that are neighbours in memory: 0 or anything else. */
    void read(long position, byte[] to, int start, int n) {
        MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, offset + position, to, start, n);
    }
}
