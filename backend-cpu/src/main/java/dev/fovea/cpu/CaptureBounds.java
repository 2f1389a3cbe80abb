package dev.fovea.cpu;

import org.jspecify.annotations.Nullable;

/**
 * Smallest and largest values of a captured I32 or BOOL tensor (truth as 1) over ranges of its indices. Along its longest axis they are
 * kept for blocks of 16, 256 and 4096 elements, so that a range costs some dozens of looks whatever its length.
 */
final class CaptureBounds {
    private static final int LEVELS = 3;
    private static final int FAN_SHIFT = 4;

    /** Ranges along the other axes that are worth a look at each of their rows. */
    private static final long MOST_ROWS = 64;

    private final Capture capture;
    private final int axis;
    private final int length;
    private final long[] rowStrides;
    private final int[] values;
    private final int[][] least = new int[LEVELS][];
    private final int[][] largest = new int[LEVELS][];
    private final int[] blocks = new int[LEVELS];

    private CaptureBounds(Capture capture, int axis, int length, long[] rowStrides, int rows) {
        this.capture = capture;
        this.axis = axis;
        this.length = length;
        this.rowStrides = rowStrides;
        this.values = new int[rows * length];
        for (int level = 0; level < LEVELS; level++) {
            blocks[level] = length >> FAN_SHIFT * (level + 1);
            least[level] = new int[rows * blocks[level]];
            largest[level] = new int[rows * blocks[level]];
        }
    }

    /** Null for a tensor of more than {@code limit} different elements, and for an empty one. */
    static @Nullable CaptureBounds of(Capture capture, long limit) {
        int rank = capture.rank();
        int axis = 0;
        long elements = 1;
        for (int i = 0; i < rank; i++) {
            elements *= capture.distinct(i);
            axis = capture.distinct(i) > capture.distinct(axis) ? i : axis;
        }
        if (elements > limit || elements == 0 || elements > Integer.MAX_VALUE) {
            return null;
        }
        long[] rowStrides = new long[rank];
        long rows = 1;
        for (int i = rank - 1; i >= 0; i--) {
            if (i != axis) {
                rowStrides[i] = capture.distinct(i) == 1 ? 0 : rows;
                rows *= capture.distinct(i);
            }
        }
        CaptureBounds bounds = new CaptureBounds(capture, axis, (int) capture.distinct(axis), rowStrides, (int) rows);
        int[] index = new int[rank];
        for (int row = 0; row < rows; row++) {
            for (int i = 0; i < rank; i++) {
                index[i] = rowStrides[i] == 0 ? 0 : (int) (row / rowStrides[i] % capture.distinct(i));
            }
            bounds.fill(row, bounds.position(index));
        }
        return bounds;
    }

    private void fill(int row, long base) {
        int start = row * length;
        for (int i = 0; i < length; i++) {
            int v = capture.intAt(base + capture.part(axis, i));
            values[start + i] = capture.isTruth() ? -v : v;
        }
        for (int i = 0; i < blocks[0]; i++) {
            int from = start + (i << FAN_SHIFT);
            int a = values[from];
            int b = a;
            for (int j = from; j < from + (1 << FAN_SHIFT); j++) {
                a = Math.min(a, values[j]);
                b = Math.max(b, values[j]);
            }
            least[0][row * blocks[0] + i] = a;
            largest[0][row * blocks[0] + i] = b;
        }
        for (int level = 1; level < LEVELS; level++) {
            for (int i = 0; i < blocks[level]; i++) {
                int from = row * blocks[level - 1] + (i << FAN_SHIFT);
                int a = least[level - 1][from];
                int b = largest[level - 1][from];
                for (int j = from; j < from + (1 << FAN_SHIFT); j++) {
                    a = Math.min(a, least[level - 1][j]);
                    b = Math.max(b, largest[level - 1][j]);
                }
                least[level][row * blocks[level] + i] = a;
                largest[level][row * blocks[level] + i] = b;
            }
        }
    }

    /** Position of a row, without its index along the axis. */
    private long position(int[] index) {
        long at = 0;
        for (int i = 0; i < index.length; i++) {
            at += i == axis ? 0 : capture.part(i, index[i]);
        }
        return at;
    }

    /** Bounds over the ranges of indices, both ends included and clamped to the tensor; false if there are too many to look at. */
    boolean range(int[] from, int[] to, int[] leastAndLargest) {
        int rank = from.length;
        int[] index = new int[rank];
        long rows = 1;
        for (int i = 0; i < rank; i++) {
            index[i] = capture.clamp(i, from[i]);
            if (rowStrides[i] != 0) {
                rows *= capture.clamp(i, to[i]) - index[i] + 1;
            }
        }
        if (rows > MOST_ROWS) {
            return false;
        }
        leastAndLargest[0] = Integer.MAX_VALUE;
        leastAndLargest[1] = Integer.MIN_VALUE;
        int begin = length == 1 ? 0 : index[axis];
        int end = length == 1 ? 0 : capture.clamp(axis, to[axis]);
        for (long r = 0; r < rows; r++) {
            row(index, begin, end, leastAndLargest);
            for (int i = rank - 1; i >= 0; i--) {
                if (rowStrides[i] != 0 && index[i] < capture.clamp(i, to[i])) {
                    index[i]++;
                    break;
                }
                index[i] = capture.clamp(i, from[i]);
            }
        }
        return true;
    }

    private void row(int[] index, int begin, int end, int[] leastAndLargest) {
        int row = 0;
        for (int i = 0; i < index.length; i++) {
            row += (int) (rowStrides[i] * index[i]);
        }
        int a = leastAndLargest[0];
        int b = leastAndLargest[1];
        int at = begin;
        while (at <= end) {
            int level = level(at, end);
            if (level == 0) {
                int v = values[row * length + at];
                a = Math.min(a, v);
                b = Math.max(b, v);
            } else {
                int block = row * blocks[level - 1] + (at >> FAN_SHIFT * level);
                a = Math.min(a, least[level - 1][block]);
                b = Math.max(b, largest[level - 1][block]);
            }
            at += 1 << FAN_SHIFT * level;
        }
        leastAndLargest[0] = a;
        leastAndLargest[1] = b;
    }

    /** Largest blocks that begin here and end in time; 0 for an element. */
    private static int level(int at, int end) {
        int level = 0;
        while (level < LEVELS) {
            int size = 1 << FAN_SHIFT * (level + 1);
            if ((at & size - 1) != 0 || at + size - 1 > end) {
                break;
            }
            level++;
        }
        return level;
    }
}
