package dev.fovea.cpu;

import java.util.Arrays;

/** Plain loops: for JVMs without the vector module or without the compiler it needs. */
final class ScalarKernels implements Kernels {
    private static final int LANES = 16;

    private final Halves halves = new Halves();
    private final Codes codes = new Codes();
    private final TileOps ops = new TileOps();

    @Override
    public int lanes() {
        return LANES;
    }

    @Override
    public int keyStep() {
        return 1;
    }

    @Override
    public int channelStep() {
        return 1;
    }

    @Override
    public void scores(float[] k, int keys, int dim, float[] qt, float scale, float[] s) {
        float[] sum = new float[LANES];
        for (int j = 0; j < keys; j++) {
            Arrays.fill(sum, 0);
            for (int d = 0; d < dim; d++) {
                float x = k[j * dim + d];
                for (int r = 0; r < LANES; r++) {
                    sum[r] += x * qt[d * LANES + r];
                }
            }
            for (int r = 0; r < LANES; r++) {
                s[j * LANES + r] = sum[r] * scale;
            }
        }
    }

    @Override
    public void softmax(float[] s, int keys, float[] max, float[] sum, float[] rescale) {
        for (int r = 0; r < LANES; r++) {
            float m = max[r];
            for (int j = 0; j < keys; j++) {
                float x = s[j * LANES + r];
                m = x > m ? x : m;
            }
            boolean empty = m == Float.NEGATIVE_INFINITY;
            float shift = empty ? 0 : m;
            float factor = empty ? 1 : Exponential.exp2((max[r] - m) * Exponential.LOG2E);
            float l = sum[r] * factor;
            for (int j = 0; j < keys; j++) {
                float p = Exponential.exp2((s[j * LANES + r] - shift) * Exponential.LOG2E);
                s[j * LANES + r] = p;
                l += p;
            }
            max[r] = m;
            sum[r] = l;
            rescale[r] = factor;
        }
    }

    @Override
    public void exponentials(float[] s, int keys, float[] max, float[] factor, float[] p) {
        for (int r = 0; r < LANES; r++) {
            float shift = max[r] == Float.NEGATIVE_INFINITY ? 0 : max[r];
            for (int j = 0; j < keys; j++) {
                int at = j * LANES + r;
                p[at] = Exponential.exp2((s[at] - shift) * Exponential.LOG2E) * factor[r];
            }
        }
    }

    @Override
    public void accumulate(float[] v, int keys, int channels, float[] s, float[] rescale, float[] o) {
        for (int d = 0; d < channels; d++) {
            for (int r = 0; r < LANES; r++) {
                o[d * LANES + r] *= rescale[r];
            }
        }
        for (int j = 0; j < keys; j++) {
            for (int d = 0; d < channels; d++) {
                float x = v[j * channels + d];
                for (int r = 0; r < LANES; r++) {
                    o[d * LANES + r] += x * s[j * LANES + r];
                }
            }
        }
    }

    @Override
    public void band(float[] s, int keys, int key0, int[] low, int[] high) {
        for (int j = 0; j < keys; j++) {
            for (int r = 0; r < LANES; r++) {
                if (key0 + j < low[r] || key0 + j > high[r]) {
                    s[j * LANES + r] = Float.NEGATIVE_INFINITY;
                }
            }
        }
    }

    @Override
    public boolean hasNan(float[] a, int n) {
        boolean found = false;
        for (int i = 0; i < n; i++) {
            found |= Float.isNaN(a[i]);
        }
        return found;
    }

    @Override
    public Halves halves() {
        return halves;
    }

    @Override
    public Codes codes() {
        return codes;
    }

    @Override
    public TileOps ops() {
        return ops;
    }
}
