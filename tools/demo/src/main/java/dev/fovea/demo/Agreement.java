package dev.fovea.demo;

import java.util.List;

/**
 * How close one run of the network came to another.
 *
 * @param lowestCosine the least cosine between the two vectors of one sentence
 * @param hiddenDifference the largest absolute difference of the last hidden states, over valid tokens
 */
record Agreement(double lowestCosine, double hiddenDifference) {
    /** Least cosine that passes. */
    static final double MIN_COSINE = 0.9999;

    /** Largest difference of hidden states that passes; they are of order 1, f32 rounding leaves about 1e-6. */
    static final double MAX_DIFFERENCE = 1e-4;

    /**
     * Compares two last hidden states, each [B, S, width], batch by batch.
     *
     * @param batches gives B, S and the valid length of each sentence
     */
    static Agreement of(List<TokenBatch> batches, List<float[]> one, List<float[]> other) {
        double cosine = 1;
        double difference = 0;
        for (int i = 0; i < batches.size(); i++) {
            TokenBatch batch = batches.get(i);
            float[] a = one.get(i);
            float[] b = other.get(i);
            boolean[] valid = batch.valid();
            int width = a.length / valid.length;
            for (int at = 0; at < a.length; at++) {
                if (valid[at / width]) {
                    double d = Math.abs((double) a[at] - b[at]);
                    // a NaN on either side must fail, and Math.max keeps it
                    difference = Math.max(difference, d);
                }
            }
            List<float[]> vectors = Embeddings.pool(a, batch);
            List<float[]> others = Embeddings.pool(b, batch);
            for (int s = 0; s < vectors.size(); s++) {
                cosine = Math.min(cosine, Embeddings.cosine(vectors.get(s), others.get(s)));
            }
        }
        return new Agreement(cosine, difference);
    }

    /** Whether both limits are kept. */
    boolean passes() {
        return lowestCosine >= MIN_COSINE && hiddenDifference <= MAX_DIFFERENCE;
    }
}
