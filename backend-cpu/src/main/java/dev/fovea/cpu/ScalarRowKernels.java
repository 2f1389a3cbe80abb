package dev.fovea.cpu;

import java.lang.foreign.ValueLayout;

/** Plain loops. */
final class ScalarRowKernels implements RowKernels {
    @Override
    public int step() {
        return 1;
    }

    @Override
    public int keyStep() {
        return 1;
    }

    @Override
    public int workSize() {
        return 0;
    }

    @Override
    public void scores(
            RowGroups k,
            int dim,
            float[] q,
            int rows,
            float scale,
            float[] s,
            int pitch,
            float[] work,
            RowGroups soon,
            RowGroups later) {
        for (int j = 0; j < k.count(); j++) {
            for (int r = 0; r < rows; r++) {
                float sum = 0;
                for (int d = 0; d < dim; d++) {
                    sum += k.memory().get(ValueLayout.JAVA_FLOAT, k.at()[j] + 4L * d) * q[r * dim + d];
                }
                s[r * pitch + j] = sum * scale;
            }
        }
    }

    @Override
    public void accumulate(RowGroups v, int channels, float[] s, int pitch, int rows, float[] rescale, float[] o) {
        for (int r = 0; r < rows; r++) {
            for (int d = 0; d < channels; d++) {
                float sum = o[r * channels + d] * rescale[r];
                for (int j = 0; j < v.count(); j++) {
                    sum += v.memory().get(ValueLayout.JAVA_FLOAT, v.at()[j] + 4L * d) * s[r * pitch + j];
                }
                o[r * channels + d] = sum;
            }
        }
    }

    @Override
    public void scores(
            float[] k, int keys, int dim, float[] q, int rows, float scale, float[] s, int pitch, float[] work) {
        for (int r = 0; r < rows; r++) {
            for (int j = 0; j < keys; j++) {
                float sum = 0;
                for (int d = 0; d < dim; d++) {
                    sum += k[j * dim + d] * q[r * dim + d];
                }
                s[r * pitch + j] = sum * scale;
            }
        }
    }

    @Override
    public void scores(
            byte[] k,
            float[] zero,
            int keys,
            int dim,
            float[] q,
            int rows,
            float scale,
            float[] s,
            int pitch,
            float[] work) {
        for (int r = 0; r < rows; r++) {
            for (int j = 0; j < keys; j++) {
                float sum = 0;
                for (int d = 0; d < dim; d++) {
                    sum += (k[j * dim + d] - zero[j]) * q[r * dim + d];
                }
                s[r * pitch + j] = sum * scale;
            }
        }
    }

    @Override
    public void accumulate(
            byte[] v,
            float[] zero,
            int keys,
            int channels,
            float[] s,
            int pitch,
            int rows,
            float[] rescale,
            float[] o) {
        for (int r = 0; r < rows; r++) {
            for (int d = 0; d < channels; d++) {
                float sum = o[r * channels + d] * rescale[r];
                for (int j = 0; j < keys; j++) {
                    sum += (v[j * channels + d] - zero[j]) * s[r * pitch + j];
                }
                o[r * channels + d] = sum;
            }
        }
    }

    @Override
    public void multiply(float[] s, int at, int n, float[] by) {
        for (int j = 0; j < n; j++) {
            s[at + j] *= by[j];
        }
    }

    @Override
    public float raise(float[] s, int at, int n, float max, float[] work) {
        float m = max;
        for (int j = at; j < at + n; j++) {
            m = s[j] > m ? s[j] : m;
        }
        return m;
    }

    @Override
    public void exponentiate(float[] s, int at, int n, float max, float[] sums, int sum, float rescale) {
        float shift = max == Float.NEGATIVE_INFINITY ? 0 : max;
        float total = sums[sum] * rescale;
        for (int j = at; j < at + n; j++) {
            s[j] = Exponential.exp2((s[j] - shift) * Exponential.LOG2E);
            total += s[j];
        }
        sums[sum] = total;
    }

    @Override
    public void accumulate(
            float[] v, int keys, int channels, float[] s, int pitch, int rows, float[] rescale, float[] o) {
        for (int r = 0; r < rows; r++) {
            int at = r * channels;
            for (int d = 0; d < channels; d++) {
                o[at + d] *= rescale[r];
            }
            for (int j = 0; j < keys; j++) {
                float p = s[r * pitch + j];
                for (int d = 0; d < channels; d++) {
                    o[at + d] += v[j * channels + d] * p;
                }
            }
        }
    }

    @Override
    public boolean streams(int dim, int channels) {
        return false;
    }

    @Override
    public void stream(
            RowGroups v,
            float[] s,
            float rescale,
            float[] o,
            RowGroups k,
            int dim,
            float[] q,
            float scale,
            float[] next,
            float[] work) {
        throw new IllegalStateException("no streams without vectors");
    }
}
