package dev.fovea.cpu;

import dev.fovea.api.DType;
import dev.fovea.api.HalfFloats;
import dev.fovea.api.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A tensor of up to four axes of any type, seen as four: missing ones come first and have size 1. Positions are in elements. */
final class Elements {
    private static final int AXES = 4;

    private final MemorySegment memory;
    private final DType dtype;
    private final long offset;
    private final long[] sizes = new long[AXES];
    private final long[] strides = new long[AXES];

    private Elements(MemorySegment memory, DType dtype, long offset) {
        this.memory = memory;
        this.dtype = dtype;
        this.offset = offset;
    }

    private Elements(Tensor t, int skipLast) {
        this.memory = ((CpuStorage) t.storage()).segment();
        this.dtype = t.dtype();
        this.offset = t.offset();
        for (int i = 0; i < AXES; i++) {
            int axis = i - (AXES - skipLast - t.rank());
            boolean there = axis >= 0 && axis < t.rank();
            sizes[i] = there ? t.size(axis) : 1;
            strides[i] = there && t.size(axis) > 1 ? t.stride(axis) : 0;
        }
    }

    static Elements of(Tensor t) {
        return new Elements(t, 0);
    }

    /** A tensor without the last axis of others, which is seen as size 1. */
    static Elements ofRows(Tensor t) {
        return new Elements(t, 1);
    }

    DType dtype() {
        return dtype;
    }

    long size(int axis) {
        return sizes[axis];
    }

    long stride(int axis) {
        return strides[axis];
    }

    long count() {
        return sizes[0] * sizes[1] * sizes[2] * sizes[3];
    }

    long at(long a, long b, long c, long d) {
        return offset + a * strides[0] + b * strides[1] + c * strides[2] + d * strides[3];
    }

    MemorySegment memory() {
        return memory;
    }

    /** Whether the second axis goes on where the third ends, so that the two can be seen as one. */
    boolean folds() {
        return sizes[1] == 1 || sizes[2] == 1 || strides[1] == sizes[2] * strides[2];
    }

    /** The second and third axis as one; the first moves up. */
    Elements folded() {
        Elements e = new Elements(memory, dtype, offset);
        e.sizes[0] = 1;
        e.sizes[1] = sizes[0];
        e.strides[1] = strides[0];
        e.sizes[2] = sizes[1] * sizes[2];
        e.strides[2] = sizes[2] == 1 ? strides[1] : strides[2];
        e.sizes[3] = sizes[3];
        e.strides[3] = strides[3];
        return e;
    }

    /** An operand that repeats along the second axis, beside {@link #folded} ones. */
    Elements unfolded() {
        Elements e = new Elements(memory, dtype, offset);
        e.sizes[0] = 1;
        e.sizes[1] = sizes[0];
        e.strides[1] = strides[0];
        System.arraycopy(sizes, 2, e.sizes, 2, 2);
        System.arraycopy(strides, 2, e.strides, 2, 2);
        return e;
    }

    /** Reads a block of floats: element [o][i] goes to {@code start + o * pitch + i}. */
    void read(
            long position,
            int outer,
            long outerStride,
            int inner,
            long innerStride,
            float[] to,
            int start,
            int pitch,
            Scratch scratch) {
        if (innerStride == 1 || inner == 1) {
            for (int o = 0; o < outer; o++) {
                read(position + o * outerStride, 1, to, start + o * pitch, inner, scratch);
            }
        } else if (outerStride == 1 && outer > 1) {
            float[] run = scratch.floats(Scratch.Role.LANES, outer);
            for (int i = 0; i < inner; i++) {
                read(position + i * innerStride, 1, run, 0, outer, scratch);
                for (int o = 0; o < outer; o++) {
                    to[start + o * pitch + i] = run[o];
                }
            }
        } else {
            for (int o = 0; o < outer; o++) {
                read(position + o * outerStride, innerStride, to, start + o * pitch, inner, scratch);
            }
        }
    }

    /** Reads n floats at a distance of each other. */
    void read(long position, long stride, float[] to, int start, int n, Scratch scratch) {
        if (stride != 1) {
            for (int i = 0; i < n; i++) {
                to[start + i] = floatAt(position + i * stride);
            }
            return;
        }
        long at = position * dtype.bytes();
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

    /** Writes n floats at a distance of each other. */
    void write(long position, long stride, float[] from, int start, int n, Scratch scratch) {
        if (stride != 1) {
            for (int i = 0; i < n; i++) {
                put(position + i * stride, from[start + i]);
            }
            return;
        }
        long at = position * dtype.bytes();
        if (dtype == DType.F32) {
            MemorySegment.copy(from, start, memory, ValueLayout.JAVA_FLOAT, at, n);
            return;
        }
        short[] packed = scratch.shorts(n);
        if (dtype == DType.F16) {
            scratch.halves().toF16(from, start, packed, n);
        } else {
            scratch.halves().toBf16(from, start, packed, n);
        }
        MemorySegment.copy(packed, 0, memory, ValueLayout.JAVA_SHORT, at, n);
    }

    /** Writes n integers, or truth values that are 0 for false, at a distance of each other. */
    void write(long position, long stride, int[] from, int n, Scratch scratch) {
        if (stride != 1) {
            for (int i = 0; i < n; i++) {
                put(position + i * stride, dtype == DType.BOOL && from[i] != 0 ? 1 : from[i]);
            }
        } else if (dtype == DType.I32) {
            MemorySegment.copy(from, 0, memory, ValueLayout.JAVA_INT, 4 * position, n);
        } else {
            byte[] packed = scratch.bytes(n);
            for (int i = 0; i < n; i++) {
                packed[i] = (byte) (from[i] != 0 ? 1 : 0);
            }
            MemorySegment.copy(packed, 0, memory, ValueLayout.JAVA_BYTE, position, n);
        }
    }

    float floatAt(long position) {
        long at = position * dtype.bytes();
        return switch (dtype) {
            case F16 -> Float.float16ToFloat(memory.get(ValueLayout.JAVA_SHORT, at));
            case BF16 -> HalfFloats.fromBf16(memory.get(ValueLayout.JAVA_SHORT, at));
            default -> memory.get(ValueLayout.JAVA_FLOAT, at);
        };
    }

    int intAt(long position) {
        long at = position * dtype.bytes();
        return dtype == DType.I32
                ? memory.get(ValueLayout.JAVA_INT, at)
                : memory.get(ValueLayout.JAVA_BYTE, at) == 0 ? 0 : 1;
    }

    void put(long position, float value) {
        long at = position * dtype.bytes();
        switch (dtype) {
            case F16 -> memory.set(ValueLayout.JAVA_SHORT, at, Float.floatToFloat16(value));
            case BF16 -> memory.set(ValueLayout.JAVA_SHORT, at, HalfFloats.toBf16(value));
            default -> memory.set(ValueLayout.JAVA_FLOAT, at, value);
        }
    }

    void put(long position, int value) {
        long at = position * dtype.bytes();
        if (dtype == DType.I32) {
            memory.set(ValueLayout.JAVA_INT, at, value);
        } else {
            memory.set(ValueLayout.JAVA_BYTE, at, (byte) value);
        }
    }

    /** Moves n elements along the last axis as they are from a tensor of the same type. */
    void copyRow(long position, Elements from, long fromPosition, long n) {
        int width = dtype.bytes();
        long step = n > 1 ? strides[3] : 1;
        long fromStep = n > 1 ? from.strides[3] : 1;
        if (step == 1 && fromStep == 1) {
            MemorySegment.copy(from.memory, fromPosition * width, memory, position * width, n * width);
            return;
        }
        for (long i = 0; i < n; i++) {
            long at = (position + i * step) * width;
            long fromAt = (fromPosition + i * fromStep) * width;
            switch (width) {
                case 4 -> memory.set(ValueLayout.JAVA_INT, at, from.memory.get(ValueLayout.JAVA_INT, fromAt));
                case 2 -> memory.set(ValueLayout.JAVA_SHORT, at, from.memory.get(ValueLayout.JAVA_SHORT, fromAt));
                default -> memory.set(ValueLayout.JAVA_BYTE, at, from.memory.get(ValueLayout.JAVA_BYTE, fromAt));
            }
        }
    }
}
