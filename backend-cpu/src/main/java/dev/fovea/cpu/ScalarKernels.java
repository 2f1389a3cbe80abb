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
    public int keyPitch(int columns) {
        return columns;
    }

    @Override
    public int valuePitch(int channels) {
        return channels;
    }

    @Override
    public void scores(float[] k, int k0, int keys, int pitch, int dim, float[] qt, float[] s, float[] top) {
        float[] sum = new float[LANES];
        for (int j = 0; j < keys; j++) {
            Arrays.fill(sum, 0);
            for (int d = 0; d < dim; d++) {
                float x = k[k0 + j * pitch + d];
                for (int r = 0; r < LANES; r++) {
                    sum[r] += x * qt[d * LANES + r];
                }
            }
            System.arraycopy(sum, 0, s, j * LANES, LANES);
        }
        top(s, keys, top);
    }

    @Override
    public void top(float[] s, int keys, float[] top) {
        Arrays.fill(top, 0, LANES, Float.NEGATIVE_INFINITY);
        for (int j = 0; j < keys; j++) {
            for (int r = 0; r < LANES; r++) {
                float x = s[j * LANES + r];
                top[r] = x > top[r] ? x : top[r];
            }
        }
    }

    @Override
    public void softmax(float[] s, int keys, boolean natural, float[] top, float[] max, float[] sum, float[] rescale) {
        float unit = natural ? Exponential.LOG2E : 1;
        for (int r = 0; r < LANES; r++) {
            float m = top[r] > max[r] ? top[r] : max[r];
            boolean empty = m == Float.NEGATIVE_INFINITY;
            float shift = empty ? 0 : m;
            float factor = empty ? 1 : Exponential.exp2((max[r] - m) * unit);
            float l = sum[r] * factor;
            for (int j = 0; j < keys; j++) {
                float p = Exponential.exp2((s[j * LANES + r] - shift) * unit);
                s[j * LANES + r] = p;
                l += p;
            }
            max[r] = m;
            sum[r] = l;
            rescale[r] = factor;
        }
    }

    @Override
    public void exponentials(float[] s, int keys, boolean natural, float[] max, float[] factor, float[] p) {
        float unit = natural ? Exponential.LOG2E : 1;
        for (int r = 0; r < LANES; r++) {
            float shift = max[r] == Float.NEGATIVE_INFINITY ? 0 : max[r];
            for (int j = 0; j < keys; j++) {
                int at = j * LANES + r;
                p[at] = Exponential.exp2((s[at] - shift) * unit) * factor[r];
            }
        }
    }

    @Override
    public void accumulate(
            float[] v, int v0, int keys, int pitch, int channels, float[] s, float[] rescale, float[] o) {
        for (int d = 0; d < channels; d++) {
            for (int r = 0; r < LANES; r++) {
                o[d * LANES + r] *= rescale[r];
            }
        }
        for (int j = 0; j < keys; j++) {
            for (int d = 0; d < channels; d++) {
                float x = v[v0 + j * pitch + d];
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
