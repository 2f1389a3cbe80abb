package dev.fovea.cpu;

import dev.fovea.api.DType;
import dev.fovea.api.HalfFloats;
import dev.fovea.api.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A tensor [B, H, S, D] or [B, H, S] of a run, moved row by row between storage and float arrays.
 *
 * @param elementStride distance of neighbours in a row; 1 where rows are read
 * @param length elements of a row
 */
record Rows(
        MemorySegment memory,
        DType dtype,
        long offset,
        long batchStride,
        long headStride,
        long positionStride,
        long elementStride,
        int length) {

    static Rows of(Tensor t) {
        return new Rows(
                ((CpuStorage) t.storage()).segment(),
                t.dtype(),
                t.offset(),
                t.stride(0),
                t.stride(1),
                t.stride(2),
                t.rank() == 3 || t.size(3) == 1 ? 1 : t.stride(3),
                t.rank() == 3 ? 1 : Math.toIntExact(t.size(3)));
    }

    private long at(long batch, long head, long position) {
        return (offset + batch * batchStride + head * headStride + position * positionStride) * dtype.bytes();
    }

    /** Reads rows to {@code to}, {@code pitch} floats apart. */
    void read(long batch, long head, long position, int rows, float[] to, int start, int pitch, Scratch scratch) {
        if (dtype == DType.F32) {
            boolean dense = positionStride == length && pitch == length;
            int copies = dense ? Math.min(rows, 1) : rows;
            int n = dense ? rows * length : length;
            for (int i = 0; i < copies; i++) {
                MemorySegment.copy(
                        memory, ValueLayout.JAVA_FLOAT, at(batch, head, position + i), to, start + i * pitch, n);
            }
            return;
        }
        short[] packed = scratch.shorts(length);
        for (int i = 0; i < rows; i++) {
            MemorySegment.copy(memory, ValueLayout.JAVA_SHORT, at(batch, head, position + i), packed, 0, length);
            if (dtype == DType.F16) {
                fromHalf(packed, to, start + i * pitch, length);
            } else {
                fromBf16(packed, to, start + i * pitch, length);
            }
        }
    }

    private static void fromHalf(short[] from, float[] to, int start, int n) {
        for (int i = 0; i < n; i++) {
            to[start + i] = Float.float16ToFloat(from[i]);
        }
    }

    private static void fromBf16(short[] from, float[] to, int start, int n) {
        for (int i = 0; i < n; i++) {
            to[start + i] = HalfFloats.fromBf16(from[i]);
        }
    }

    /** Writes {@code count} elements of a row from its element {@code column} on. */
    void write(long batch, long head, long position, int column, float[] from, int count, Scratch scratch) {
        long at = at(batch, head, position) + column * elementStride * dtype.bytes();
        if (elementStride != 1) {
            for (int i = 0; i < count; i++) {
                memory.set(ValueLayout.JAVA_FLOAT, at + i * elementStride * Float.BYTES, from[i]);
            }
            return;
        }
        if (dtype == DType.F32) {
            MemorySegment.copy(from, 0, memory, ValueLayout.JAVA_FLOAT, at, count);
            return;
        }
        short[] packed = scratch.shorts(count);
        if (dtype == DType.F16) {
            toHalf(from, packed, count);
        } else {
            toBf16(from, packed, count);
        }
        MemorySegment.copy(packed, 0, memory, ValueLayout.JAVA_SHORT, at, count);
    }

    private static void toHalf(float[] from, short[] to, int n) {
        for (int i = 0; i < n; i++) {
            to[i] = Float.floatToFloat16(from[i]);
        }
    }

    private static void toBf16(float[] from, short[] to, int n) {
        for (int i = 0; i < n; i++) {
            to[i] = HalfFloats.toBf16(from[i]);
        }
    }

    /** Element {@code column} of an F32 row. */
    float get(long batch, long head, long position, int column) {
        return memory.get(ValueLayout.JAVA_FLOAT, at(batch, head, position) + column * elementStride * Float.BYTES);
    }

    /** Writes the one element of a row of length 1. */
    void put(long batch, long head, long position, float value) {
        memory.set(ValueLayout.JAVA_FLOAT, at(batch, head, position), value);
    }
}
