package dev.fovea.cpu;

/**
 * The inner loops of attention on a transposed tile: {@code s[key][lane]}, {@code o[channel][lane]}, where a lane is one query row.
 * Results depend on the arguments alone, never on how warm the code is.
 */
interface Kernels {
    /** Lanes of a tile: query rows handled together. */
    int lanes();

    /** Keys of a tile come in multiples of it. */
    int keyStep();

    /** Channels of the accumulator come in multiples of it; rows of values are padded with zeros to it. */
    int channelStep();

    /** Floats from a key to the next that suit best, for so many columns. */
    int keyPitch(int columns);

    /** Floats from a row of values to the next that suit best, for so many channels, padded. */
    int valuePitch(int channels);

    /**
     * {@code s[j][r] = sum over d of k[k0 + j * pitch + d] * qt[d][r]} for the keys j of [0, keys), and the largest of each lane to
     * {@code top}.
     */
    void scores(float[] k, int k0, int keys, int pitch, int dim, float[] qt, float[] s, float[] top);

    /** Puts the largest score of each lane to {@code top}. */
    void top(float[] s, int keys, float[] top);

    /**
     * One step of the online softmax: raises the maxima to {@code top}, puts the factors by which older sums shrink into
     * {@code rescale}, replaces s by {@code 2^(s - max)} or, in natural units, {@code e^(s - max)}, and updates the sums. Rows without any key so
     * far keep -inf and 0.
     */
    void softmax(float[] s, int keys, boolean natural, float[] top, float[] max, float[] sum, float[] rescale);

    /** {@code p = 2^(s - max[r]) * factor[r]} or e^; s is -inf throughout where max is. */
    void exponentials(float[] s, int keys, boolean natural, float[] max, float[] factor, float[] p);

    /** {@code o[d][r] = o[d][r] * rescale[r] + sum over j of v[v0 + j * pitch + d] * s[j][r]}. */
    void accumulate(float[] v, int v0, int keys, int pitch, int channels, float[] s, float[] rescale, float[] o);

    /** Puts -inf where a key is outside {@code low[r] <= key0 + j <= high[r]}. */
    void band(float[] s, int keys, int key0, int[] low, int[] high);

    /** Whether one of the first n elements of an accumulator is NaN: of so many channels as they come in. */
    boolean hasNan(float[] a, int n);

    /** Conversions of 16-bit storage. */
    Halves halves();

    /** Conversions of quantised storage. */
    Codes codes();

    /** The elementwise operations of expressions. */
    TileOps ops();
}
