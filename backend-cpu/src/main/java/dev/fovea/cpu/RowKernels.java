package dev.fovea.cpu;

/**
 * The inner loops of attention for few query rows: columns lie along the lanes, so that no lane is wasted however few the rows.
 * Scores are {@code s[row][key]}, accumulators {@code o[row][channel]}. Results depend on the arguments alone.
 */
interface RowKernels {
    /** Keys of one call of {@link #scores} come in multiples of it. */
    int keyStep();

    /** Keys of a tile, columns of keys and channels of values come in multiples of it. */
    int step();

    /** Floats that {@link #scores} and {@link #raise} need for themselves; what is read ahead goes there too, or it would not be read. */
    int workSize();

    /**
     * {@code s[r * pitch + j] = scale * sum over d of k[j * dim + d] * q[r * dim + d]}.
     *
     * @param keys a multiple of {@link #keyStep}
     */
    void scores(float[] k, int keys, int dim, float[] q, int rows, float scale, float[] s, int pitch, float[] work);

    /**
     * Likewise for f32 keys where they lie, in groups of {@link #keyStep}, with the same bits.
     *
     * @param dim a multiple of {@link #step}
     * @param soon rows of the same columns that are read next, at least as many as keys; k where there are none
     * @param later keys of the same memory that are read after them, likewise
     */
    void scores(
            RowGroups k,
            int dim,
            float[] q,
            int rows,
            float scale,
            float[] s,
            int pitch,
            float[] work,
            RowGroups soon,
            RowGroups later);

    /** Likewise for keys {@code k[j * dim + d] - zero[j]}. */
    void scores(
            byte[] k,
            float[] zero,
            int keys,
            int dim,
            float[] q,
            int rows,
            float scale,
            float[] s,
            int pitch,
            float[] work);

    /** {@code s[at + j] = s[at + j] * by[j]}. */
    void multiply(float[] s, int at, int n, float[] by);

    /** The larger of {@code max} and the largest of n scores from {@code at} on; NaN does not count. */
    float raise(float[] s, int at, int n, float max, float[] work);

    /**
     * Replaces n scores by {@code exp(s - max)}, 0 for a maximum of -inf; adds them to as many sums as there are lanes, from
     * {@code sum} on, which first shrink by {@code rescale}.
     */
    void exponentiate(float[] s, int at, int n, float max, float[] sums, int sum, float rescale);

    /** {@code o[r * channels + d] = o[r * channels + d] * rescale[r] + sum over j of v[j * channels + d] * s[r * pitch + j]}. */
    void accumulate(float[] v, int keys, int channels, float[] s, int pitch, int rows, float[] rescale, float[] o);

    /** Likewise for values {@code v[j * channels + d] - zero[j]}. */
    void accumulate(
            byte[] v, float[] zero, int keys, int channels, float[] s, int pitch, int rows, float[] rescale, float[] o);

    /** Likewise for f32 values where they lie, in groups of {@link #keyStep}. */
    void accumulate(RowGroups v, int channels, float[] s, int pitch, int rows, float[] rescale, float[] o);

    /** Whether {@link #stream} takes so many columns of keys and of values. */
    boolean streams(int dim, int channels);

    /**
     * For one row in one pass: {@link #accumulate} of some values where they lie, and {@link #scores} of as many other keys where they
     * lie, with the same bits as of the two.
     *
     * @param s weights of the values
     * @param next scores of the keys
     */
    void stream(
            RowGroups v,
            float[] s,
            float rescale,
            float[] o,
            RowGroups k,
            int dim,
            float[] q,
            float scale,
            float[] next,
            float[] work);
}
