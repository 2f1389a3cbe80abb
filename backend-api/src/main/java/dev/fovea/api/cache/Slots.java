package dev.fovea.api.cache;

import java.util.Arrays;

/**
 * Where the keys of one sequence lie, in one lane. Positions ascend: {@code kept} names those of the first slots after a compaction,
 * the slots behind them count on from {@code base}; an append copies no positions.
 *
 * @param pages page numbers, as many as the length fills
 * @param length keys
 * @param kept positions of the first slots
 * @param base position of the slot after them
 */
record Slots(int[] pages, int length, int[] kept, int base) {
    static final Slots EMPTY = new Slots(new int[0], 0, new int[0], 0);

    int position(int slot) {
        return slot < kept.length ? kept[slot] : base + slot - kept.length;
    }

    int[] positions() {
        int[] all = Arrays.copyOf(kept, length);
        for (int i = kept.length; i < length; i++) {
            all[i] = position(i);
        }
        return all;
    }

    int nextPosition() {
        return base + length - kept.length;
    }

    /** Whether each key stands at its index. */
    boolean plain() {
        int n = kept.length;
        return (n == 0 || kept[n - 1] == n - 1) && (length == n || base == n);
    }

    Slots longer(int[] allPages, int more) {
        return new Slots(allPages, length + more, kept, base);
    }

    /** Without the positions from {@code position} on. */
    Slots before(int position, int pageSize) {
        int shorter = indexOf(position);
        int[] fewer = Arrays.copyOf(pages, Math.ceilDiv(shorter, pageSize));
        if (shorter > kept.length) {
            return new Slots(fewer, shorter, kept, base);
        }
        return new Slots(fewer, shorter, Arrays.copyOf(kept, shorter), position);
    }

    /** With the slots of these indices alone. */
    Slots only(int[] indices, int[] newPages) {
        int[] positions = new int[indices.length];
        for (int i = 0; i < indices.length; i++) {
            positions[i] = position(indices[i]);
        }
        return new Slots(newPages, indices.length, positions, nextPosition());
    }

    private int indexOf(int position) {
        int found = Arrays.binarySearch(kept, position);
        if (found >= 0) {
            return found;
        }
        int before = -found - 1;
        return before < kept.length ? before : Math.clamp((long) kept.length + position - base, kept.length, length);
    }

    /** The row of the cache that an index lies in. */
    int row(int index, int pageSize) {
        return pages[index / pageSize] * pageSize + index % pageSize;
    }

    int[] rows(int pageSize) {
        int[] rows = new int[length];
        for (int i = 0; i < length; i++) {
            rows[i] = row(i, pageSize);
        }
        return rows;
    }
}
