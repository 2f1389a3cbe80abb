package dev.fovea.demo;

import java.util.ArrayList;
import java.util.List;

/** Sentence vectors from hidden states, and their similarity. */
final class Embeddings {
    private Embeddings() {}

    /**
     * The mean of each sentence's valid tokens, scaled to length 1 (Reimers and Gurevych 2019, arXiv:1908.10084).
     *
     * @param hidden [B, S, width]
     * @return one vector a sentence
     */
    static List<float[]> pool(float[] hidden, TokenBatch batch) {
        int width = hidden.length / (batch.size() * batch.width());
        List<float[]> out = new ArrayList<>();
        for (int b = 0; b < batch.size(); b++) {
            double[] sum = new double[width];
            for (int t = 0; t < batch.lengths().get(b); t++) {
                int at = (b * batch.width() + t) * width;
                for (int i = 0; i < width; i++) {
                    sum[i] += hidden[at + i];
                }
            }
            // the mean's divisor falls out of the normalisation
            double squares = 0;
            for (double s : sum) {
                squares += s * s;
            }
            double scale = 1 / Math.sqrt(squares);
            float[] unit = new float[width];
            for (int i = 0; i < width; i++) {
                unit[i] = (float) (sum[i] * scale);
            }
            out.add(unit);
        }
        return out;
    }

    /** The cosine of the angle between two vectors of one width. */
    static double cosine(float[] a, float[] b) {
        double dot = 0;
        double aa = 0;
        double bb = 0;
        for (int i = 0; i < a.length; i++) {
            dot += (double) a[i] * b[i];
            aa += (double) a[i] * a[i];
            bb += (double) b[i] * b[i];
        }
        return dot / Math.sqrt(aa * bb);
    }
}
