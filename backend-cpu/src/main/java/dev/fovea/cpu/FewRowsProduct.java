package dev.fovea.cpu;

import dev.fovea.api.DType;
import java.util.Arrays;

/**
 * A product with few rows on the left: limited by reading the right matrix, which is read once, where it lies if it is f32. A right
 * matrix that is dense along the inner axis gives dot products, any other one sums of its rows.
 */
final class FewRowsProduct {
    static final int MOST_ROWS = 8;

    /** Columns of a task. */
    private static final int COLUMNS = 512;

    /** Of the inner axis, for which the rows of the left are at hand. */
    private static final int DEPTH = 1024;

    /** Rows of the right read side by side: as many streams of memory. */
    private static final int STREAMS = 16;

    private final Elements left;
    private final Elements right;
    private final Elements output;
    private final RowKernels kernels;
    private final TileOps ops;
    private final int rows;
    private final int step;
    private final long k;
    private final long n;
    private final boolean inPlace;
    private final boolean dots;

    FewRowsProduct(Elements left, Elements right, Elements output, KernelSet set) {
        this.left = left;
        this.right = right;
        this.output = output;
        this.kernels = set.rows();
        this.ops = set.wide().ops();
        this.rows = (int) output.size(2);
        this.step = kernels.step();
        this.k = left.size(3);
        this.n = output.size(3);
        this.inPlace = right.dtype() == DType.F32;
        this.dots = right.stride(2) == 1 && right.stride(3) != 1;
    }

    void run(CpuBackend backend) {
        long tasks = Math.ceilDiv(n, COLUMNS);
        backend.forEach(output.size(0) * output.size(1) * tasks, 1, (t, scratch) -> {
            long matrix = t / tasks;
            long column = t % tasks * COLUMNS;
            int columns = (int) Math.min(COLUMNS, n - column);
            long b = matrix / output.size(1);
            long h = matrix % output.size(1);
            int pitch = padded(columns, Math.max(step, kernels.keyStep()));
            float[] sums = scratch.floats(Scratch.Role.ACCUMULATOR, rows * pitch);
            Arrays.fill(sums, 0, rows * pitch, 0);
            for (long from = 0; from < k; from += DEPTH) {
                int depth = (int) Math.min(DEPTH, k - from);
                int deep = padded(depth, step);
                float[] a = scratch.floats(Scratch.Role.QUERIES, rows * deep);
                Arrays.fill(a, 0, rows * deep, 0);
                left.read(left.at(b, h, 0, from), rows, left.stride(2), depth, left.stride(3), a, 0, deep, scratch);
                if (dots) {
                    dots(b, h, from, depth, column, columns, a, sums, pitch, scratch);
                } else {
                    sums(b, h, from, depth, column, columns, a, sums, pitch, scratch);
                }
            }
            for (int r = 0; r < rows; r++) {
                output.write(output.at(b, h, r, column), output.stride(3), sums, r * pitch, columns, scratch);
            }
        });
    }

    private static int padded(int n, int step) {
        return Math.ceilDiv(n, step) * step;
    }

    private void sums(
            long b,
            long h,
            long from,
            int depth,
            long column,
            int columns,
            float[] a,
            float[] sums,
            int pitch,
            Scratch s) {
        float[] ones = s.floats(Scratch.Role.FACTOR, rows);
        Arrays.fill(ones, 0, rows, 1);
        int deep = padded(depth, step);
        boolean here = inPlace && right.stride(3) == 1 && columns == pitch;
        float[] tile = s.floats(Scratch.Role.VALUES, STREAMS * pitch);
        RowGroups lying = new RowGroups(kernels.keyStep(), STREAMS);
        float[] factors = s.floats(Scratch.Role.PROBABILITY, rows * STREAMS);
        for (int j = 0; j < depth; j += STREAMS) {
            int count = Math.min(STREAMS, depth - j);
            long at = right.at(b, h, from + j, column);
            for (int r = 0; r < rows; r++) {
                System.arraycopy(a, r * deep + j, factors, r * STREAMS, count);
            }
            lying.clear();
            if (here && lying.add(right.memory(), 4 * at, 4 * right.stride(2), count)) {
                kernels.accumulate(lying, pitch, factors, STREAMS, rows, ones, sums);
                continue;
            }
            if (columns < pitch) {
                Arrays.fill(tile, 0, count * pitch, 0);
            }
            right.read(at, count, right.stride(2), columns, right.stride(3), tile, 0, pitch, s);
            kernels.accumulate(tile, count, pitch, factors, STREAMS, rows, ones, sums);
        }
    }

    private void dots(
            long b,
            long h,
            long from,
            int depth,
            long column,
            int columns,
            float[] a,
            float[] sums,
            int pitch,
            Scratch s) {
        int deep = padded(depth, step);
        int group = padded(STREAMS, kernels.keyStep());
        float[] work = s.floats(Scratch.Role.LANES, kernels.workSize());
        float[] part = s.floats(Scratch.Role.TILE, rows * pitch);
        long stride = 4 * right.stride(3);
        RowGroups now = new RowGroups(kernels.keyStep(), group);
        RowGroups next = new RowGroups(kernels.keyStep(), group);
        for (int j = 0; j < columns; j += group) {
            int count = Math.min(group, columns - j);
            long at = right.at(b, h, from, column + j);
            float[] few = s.floats(Scratch.Role.PROBABILITY, rows * group);
            if (inPlace && deep == depth && count == group) {
                place(now, at, stride, group);
                place(next, j + 2 * group <= columns ? at + group * right.stride(3) : at, stride, group);
                kernels.scores(now, depth, a, rows, 1, few, group, work, now, next);
            } else {
                float[] tile = s.floats(Scratch.Role.KEYS, group * deep);
                Arrays.fill(tile, 0, group * deep, 0);
                right.read(at, count, right.stride(3), depth, 1, tile, 0, deep, s);
                kernels.scores(tile, padded(count, kernels.keyStep()), deep, a, rows, 1, few, group, work);
            }
            for (int r = 0; r < rows; r++) {
                System.arraycopy(few, r * group, part, r * pitch + j, count);
            }
        }
        for (int r = 0; r < rows; r++) {
            Arrays.fill(part, r * pitch + columns, r * pitch + pitch, 0);
        }
        ops.addFloat(sums, part, sums, rows * pitch);
    }

    private void place(RowGroups groups, long at, long stride, int count) {
        groups.clear();
        groups.add(right.memory(), 4 * at, stride, count);
    }
}
