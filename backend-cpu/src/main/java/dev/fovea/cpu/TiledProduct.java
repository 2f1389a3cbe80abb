package dev.fovea.cpu;

import java.util.Arrays;

/**
 * A product of matrices in tiles: panels of columns on the lanes, rows of the left one by one, the inner axis in pieces that fit the
 * cache. Operands of any strides and types are packed piece by piece.
 */
final class TiledProduct {
    private static final int ROWS = 128;
    private static final int PANELS = 8;

    /** Of the inner axis: a panel of it fills the first cache. */
    private static final int DEPTH = 256;

    private final Elements left;
    private final Elements right;
    private final Elements output;
    private final Kernels kernels;
    private final int lanes;
    private final long m;
    private final long k;
    private final long n;

    TiledProduct(Elements left, Elements right, Elements output, KernelSet set) {
        this.left = left;
        this.right = right;
        this.output = output;
        this.m = output.size(2);
        this.k = left.size(3);
        this.n = output.size(3);
        this.kernels = set.forRows(n);
        this.lanes = kernels.lanes();
    }

    void run(CpuBackend backend) {
        long down = Math.ceilDiv(m, ROWS);
        long across = Math.ceilDiv(n, PANELS * (long) lanes);
        backend.forEach(output.size(0) * output.size(1) * down * across, 1, (t, scratch) -> {
            long matrix = t / across / down;
            long row = t / across % down * ROWS;
            long column = t % across * PANELS * lanes;
            tile(matrix / output.size(1), matrix % output.size(1), row, column, scratch);
        });
    }

    private void tile(long b, long h, long row, long column, Scratch scratch) {
        int rows = (int) Math.min(ROWS, m - row);
        int padded = Math.ceilDiv(rows, kernels.keyStep()) * kernels.keyStep();
        int columns = (int) Math.min(PANELS * (long) lanes, n - column);
        int panels = Math.ceilDiv(columns, lanes);
        float[] a = scratch.floats(Scratch.Role.KEYS, padded * DEPTH);
        float[] panel = scratch.floats(Scratch.Role.QUERIES, DEPTH * lanes);
        float[] part = scratch.floats(Scratch.Role.TILE, padded * lanes);
        float[] top = scratch.floats(Scratch.Role.TOP, lanes);
        for (int p = 0; p < panels; p++) {
            Arrays.fill(sums(p, padded, scratch), 0, padded * lanes, 0);
        }
        for (long from = 0; from < k; from += DEPTH) {
            int depth = (int) Math.min(DEPTH, k - from);
            left.read(left.at(b, h, row, from), rows, left.stride(2), depth, left.stride(3), a, 0, depth, scratch);
            Arrays.fill(a, rows * depth, padded * depth, 0);
            for (int p = 0; p < panels; p++) {
                int width = Math.min(lanes, columns - p * lanes);
                if (width < lanes) {
                    Arrays.fill(panel, 0, depth * lanes, 0);
                }
                long at = right.at(b, h, from, column + (long) p * lanes);
                right.read(at, depth, right.stride(2), width, right.stride(3), panel, 0, lanes, scratch);
                float[] sums = sums(p, padded, scratch);
                kernels.scores(a, 0, padded, depth, depth, panel, from == 0 ? sums : part, top);
                if (from > 0) {
                    kernels.ops().addFloat(sums, part, sums, padded * lanes);
                }
            }
        }
        for (int p = 0; p < panels; p++) {
            float[] sums = sums(p, padded, scratch);
            int width = Math.min(lanes, columns - p * lanes);
            for (int r = 0; r < rows; r++) {
                long at = output.at(b, h, row + r, column + (long) p * lanes);
                output.write(at, output.stride(3), sums, r * lanes, width, scratch);
            }
        }
    }

    private float[] sums(int p, int rows, Scratch scratch) {
        return scratch.floats(Scratch.Role.ACCUMULATOR, p, rows * lanes);
    }
}
