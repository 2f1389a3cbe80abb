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

    /** Moves an element as it is from a tensor of the same type. */
    void copy(long position, Elements from, long fromPosition) {
        int width = dtype.bytes();
        MemorySegment.copy(from.memory, fromPosition * width, memory, position * width, width);
    }
}
