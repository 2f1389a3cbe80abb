package dev.fovea.demo;

/** Stand-in. */
final class PlainAttention implements LayerAttention {
    @Override
    public float[] attend(float[] q, float[] k, float[] v, TokenBatch batch) {
        int s = batch.width();
        int d = Encoder.HEAD_DIM;
        int w = Encoder.WIDTH;
        float[] out = new float[q.length];
        for (int b = 0; b < batch.size(); b++) {
            int keys = batch.lengths().get(b);
            for (int h = 0; h < Encoder.HEADS; h++) {
                for (int i = 0; i < s; i++) {
                    double[] p = new double[keys];
                    double sum = 0;
                    for (int j = 0; j < keys; j++) {
                        double dot = 0;
                        for (int c = 0; c < d; c++) {
                            dot += q[(b * s + i) * w + h * d + c] * k[(b * s + j) * w + h * d + c];
                        }
                        p[j] = Math.exp(dot / Math.sqrt(d));
                        sum += p[j];
                    }
                    for (int c = 0; c < d; c++) {
                        double o = 0;
                        for (int j = 0; j < keys; j++) {
                            o += p[j] * v[(b * s + j) * w + h * d + c];
                        }
                        out[(b * s + i) * w + h * d + c] = (float) (o / sum);
                    }
                }
            }
        }
        return out;
    }
}
