package dev.fovea.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Where f32 rows lie that can be read there: in one memory, in groups of some rows that are equally far apart. */
final class RowGroups {
    private final int step;
    private final long[] at;
    private @Nullable MemorySegment memory;
    private long stride;
    private int size;

    /**
     * Groups of {@code step} rows.
     *
     * @param capacity most rows
     */
    RowGroups(int step, int capacity) {
        this.step = step;
        this.at = new long[capacity / step];
    }

    void clear() {
        size = 0;
    }

    /** Adds rows that are equally far apart. Whether they are whole groups; if not, what was added so far is of no use. */
    boolean add(MemorySegment in, long address, long rowStride, int n) {
        if (n % step != 0) {
            return false;
        }
        memory = in;
        stride = rowStride;
        long distance = step * rowStride;
        int end = size + n / step;
        for (int i = size; i < end; i++) {
            at[i] = address + (i - size) * distance;
        }
        size = end;
        return true;
    }

    /** Rows. */
    int count() {
        return size * step;
    }

    MemorySegment memory() {
        return Objects.requireNonNull(memory);
    }

    /** Bytes from a row of a group to the next. */
    long stride() {
        return stride;
    }

    /** Byte offsets of the groups. */
    long[] at() {
        return at;
    }
}
