package dev.fovea.cpu;

/**
 * Maxima, sums and accumulators of some rows over some of their keys, as {@link dev.fovea.api.spec.MergeSpec} has them.
 *
 * @param dim columns
 * @param pitch floats from the accumulator of a row to the next
 */
record RowResult(int rows, int dim, int pitch, float[] max, float[] sums, float[] accumulator) {
    /** Floats that a row takes in a workspace. */
    static int size(int dim) {
        return dim + 2;
    }

    void save(float[] to, int at) {
        int size = size(dim);
        for (int r = 0; r < rows; r++) {
            to[at + r * size] = max[r];
            to[at + r * size + 1] = sums[r];
            System.arraycopy(accumulator, r * pitch, to, at + r * size + 2, dim);
        }
    }
}
