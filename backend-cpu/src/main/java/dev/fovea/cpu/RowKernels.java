package dev.fovea.cpu;

/**
 * The inner loops of attention for few query rows: columns lie along the lanes, so that no lane is wasted however few the rows.
 * Scores are {@code s[row][key]}, accumulators {@code o[row][channel]}. Results depend on the arguments alone.
 */
interface RowKernels {
    /** Keys of a tile, columns of keys and channels of values come in multiples of it. */
    int step();

    /** {@code s[r * pitch + j] = scale * sum over d of k[j * dim + d] * q[r * dim + d]}; may write up to a step beyond the keys. */
    void scores(float[] k, int keys, int dim, float[] q, int rows, float scale, float[] s, int pitch);

    /** The larger of {@code max} and the largest of n scores from {@code at} on; NaN does not count. */
    float raise(float[] s, int at, int n, float max, float[] lanes);

    /**
     * Replaces n scores by {@code exp(s - max)}, 0 for a maximum of -inf; adds them to as many sums as there are lanes, from
     * {@code sum} on, which first shrink by {@code rescale}.
     */
    void exponentiate(float[] s, int at, int n, float max, float[] sums, int sum, float rescale);

    /** {@code o[r * channels + d] = o[r * channels + d] * rescale[r] + sum over j of v[j * channels + d] * s[r * pitch + j]}. */
    void accumulate(float[] v, int keys, int channels, float[] s, int pitch, int rows, float[] rescale, float[] o);
}
