package dev.fovea.cpu;

import dev.fovea.api.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** A tensor of 32-bit numbers read or written one by one, or in runs along its last axis; missing indices are 0. */
final class Strided {
    private static final int MOST_AXES = 5;

    private final MemorySegment memory;
    private final long offset;
    private final long[] strides = new long[MOST_AXES];
    private final int rank;

    private Strided(Tensor t) {
        this.memory = ((CpuStorage) t.storage()).segment();
        this.offset = t.offset();
        this.rank = t.rank();
        for (int i = 0; i < rank; i++) {
            strides[i] = t.size(i) == 1 ? 0 : t.stride(i); // an axis of size 1 repeats, as lists shared by all heads do
        }
    }

    static Strided of(Tensor t) {
        return new Strided(t);
    }

    int rank() {
        return rank;
    }

    long at(long a, long b, long c, long d) {
        return 4 * (offset + a * strides[0] + b * strides[1] + c * strides[2] + d * strides[3]);
    }

    float floatAt(long a, long b, long c, long d) {
        return memory.get(ValueLayout.JAVA_FLOAT, at(a, b, c, d));
    }

    int intAt(long a, long b, long c, long d) {
        return memory.get(ValueLayout.JAVA_INT, at(a, b, c, d));
    }

    void put(long a, long b, long c, long d, float value) {
        memory.set(ValueLayout.JAVA_FLOAT, at(a, b, c, d), value);
    }

    /** Reads n elements of the last axis from a position of {@link #at} on. */
    void read(long at, float[] to, int n) {
        long stride = strides[rank - 1];
        if (stride == 1) {
            MemorySegment.copy(memory, ValueLayout.JAVA_FLOAT, at, to, 0, n);
        } else if (stride == 0 && n > 0) {
            Arrays.fill(to, 0, n, memory.get(ValueLayout.JAVA_FLOAT, at));
        } else {
            for (int i = 0; i < n; i++) {
                to[i] = memory.get(ValueLayout.JAVA_FLOAT, at + 4L * i * stride);
            }
        }
    }

    void read(long at, int[] to, int start, int n) {
        long stride = strides[rank - 1];
        if (stride == 1) {
            MemorySegment.copy(memory, ValueLayout.JAVA_INT, at, to, start, n);
        } else {
            for (int i = 0; i < n; i++) {
                to[start + i] = memory.get(ValueLayout.JAVA_INT, at + 4L * i * stride);
            }
        }
    }
}
