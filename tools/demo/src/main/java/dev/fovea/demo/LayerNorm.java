package dev.fovea.demo;

/** Layer normalisation over the last axis (Ba, Kiros and Hinton 2016, arXiv:1607.06450). */
final class LayerNorm {
    // BERT's, which the file holds as a constant in each of its normalisations
    private static final double EPSILON = 1e-12;

    private final float[] weight;
    private final float[] bias;

    /**
     * @param weight gain, [width]
     * @param bias shift, [width]
     */
    LayerNorm(float[] weight, float[] bias) {
        this.weight = weight;
        this.bias = bias;
    }

    /** Normalises each row of {@code x}, [rows, width], in place. */
    void apply(float[] x) {
        int width = weight.length;
        for (int at = 0; at < x.length; at += width) {
            double sum = 0;
            for (int i = 0; i < width; i++) {
                sum += x[at + i];
            }
            double mean = sum / width;
            double squares = 0;
            for (int i = 0; i < width; i++) {
                double d = x[at + i] - mean;
                squares += d * d;
            }
            float scale = (float) (1 / Math.sqrt(squares / width + EPSILON));
            float centre = (float) mean;
            for (int i = 0; i < width; i++) {
                x[at + i] = Math.fma((x[at + i] - centre) * scale, weight[i], bias[i]);
            }
        }
    }
}
