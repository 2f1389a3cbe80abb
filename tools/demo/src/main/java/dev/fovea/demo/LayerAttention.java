package dev.fovea.demo;

/** The attention of one encoder layer: every head over the valid tokens of its own sentence. */
@FunctionalInterface
interface LayerAttention {
    /**
     * Computes the attention of one layer.
     *
     * @param q queries, [B, S, H, D] row-major
     * @param k keys, [B, S, H, D]
     * @param v values, [B, S, H, D]
     * @param batch gives B, S and the valid length of each sentence; keys beyond it are not seen
     * @return [B, S, H, D]; rows of padding are unspecified
     */
    float[] attend(float[] q, float[] k, float[] v, TokenBatch batch);
}
