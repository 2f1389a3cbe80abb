package dev.fovea.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Runs of f32 rows that can be read where they lie: in one memory, equally far apart, their numbers multiples of a step. */
final class KeyRuns {
    private final int step;
    private @Nullable MemorySegment memory;
    private long stride;
    private long[] at = new long[8];
    private int[] count = new int[8];
    private int size;

    KeyRuns(int step) {
        this.step = step;
    }

    void clear() {
        size = 0;
    }

    /** Whether the run fits; if not, what was added so far is of no use. */
    boolean add(MemorySegment in, long address, long rowStride, int n) {
        if (n % step != 0) {
            return false;
        }
        memory = in;
        stride = rowStride;
        if (size > 0 && at[size - 1] + count[size - 1] * stride == address) {
            count[size - 1] += n;
            return true;
        }
        if (size == at.length) {
            at = Arrays.copyOf(at, 2 * size);
            count = Arrays.copyOf(count, 2 * size);
        }
        at[size] = address;
        count[size++] = n;
        return true;
    }

    int size() {
        return size;
    }

    MemorySegment memory() {
        return Objects.requireNonNull(memory);
    }

    /** Bytes from a row to the next. */
    long stride() {
        return stride;
    }

    /** Byte offset of a run. */
    long at(int run) {
        return at[run];
    }

    /** Rows of a run. */
    int count(int run) {
        return count[run];
    }
}
