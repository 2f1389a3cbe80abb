package dev.fovea.cpu;

import dev.fovea.api.DType;
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

    /** Byte offset of a row. */
    long at(long batch, long head, long position) {
        return (offset + batch * batchStride + head * headStride + position * positionStride) * dtype.bytes();
    }

    /** Bytes from a row to the next. */
    long rowBytes() {
        return positionStride * dtype.bytes();
    }

    /** Reads consecutive rows to {@code to}, {@code pitch} floats apart. */
    void read(long batch, long head, long position, int rows, float[] to, int start, int pitch, Scratch scratch) {
        boolean dense = positionStride == length && pitch == length;
        int runs = dense ? Math.min(rows, 1) : rows;
        int n = dense ? rows * length : length;
        for (int i = 0; i < runs; i++) {
            readRun(at(batch, head, position + i), to, start + i * pitch, n, scratch);
        }
    }

    private void readRun(long at, float[] to, int start, int n, Scratch scratch) {
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

    /** Reads consecutive rows of bytes, dense in {@code to} from {@code start} on. */
    void readBytes(long batch, long head, long position, int rows, byte[] to, int start) {
        boolean dense = positionStride == length;
        int runs = dense ? Math.min(rows, 1) : rows;
        int n = dense ? rows * length : length;
        for (int i = 0; i < runs; i++) {
            MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, at(batch, head, position + i), to, start + i * length, n);
        }
    }

    /** Writes a row of bytes. */
    void writeBytes(long batch, long head, long position, byte[] from) {
        MemorySegment.copy(from, 0, memory, ValueLayout.JAVA_BYTE, at(batch, head, position), length);
    }

    /** Copies a row of another tensor of the same type and length. */
    void copyRow(long batch, long head, long position, Rows from, long fromBatch, long fromHead, long fromPosition) {
        MemorySegment.copy(
                from.memory,
                from.at(fromBatch, fromHead, fromPosition),
                memory,
                at(batch, head, position),
                (long) length * dtype.bytes());
    }

    /** Writes consecutive rows, dense in {@code from}; 1 along the last axis. */
    void write(long batch, long head, long position, int rows, float[] from, int start, Scratch scratch) {
        boolean dense = positionStride == length;
        int runs = dense ? Math.min(rows, 1) : rows;
        int n = dense ? rows * length : length;
        for (int i = 0; i < runs; i++) {
            writeRun(at(batch, head, position + i), from, start + i * length, n, scratch);
        }
    }

    private void writeRun(long at, float[] from, int start, int n, Scratch scratch) {
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

    /** Writes {@code count} elements of an F32 row from its element {@code column} on. */
    void writePart(long batch, long head, long position, int column, float[] from, int count) {
        long at = at(batch, head, position) + column * elementStride * Float.BYTES;
        if (elementStride == 1) {
            MemorySegment.copy(from, 0, memory, ValueLayout.JAVA_FLOAT, at, count);
            return;
        }
        for (int i = 0; i < count; i++) {
            memory.set(ValueLayout.JAVA_FLOAT, at + i * elementStride * Float.BYTES, from[i]);
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
