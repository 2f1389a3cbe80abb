package dev.fovea.cpu;

import java.util.Arrays;

/**
 * The results of vector kernels in plain loops, bit by bit: for the time until vectors are compiled, before which each of their
 * operations is a call and an object. The blocks are small and written out, since they serve while only the first compiler has seen
 * them, which moves nothing out of a loop.
 */
final class PlainKernels implements Kernels {
    private static final int BLOCK = 4;

    /**
     * Steps of a block written out one after the other. With more than some 40 turns of a loop in a call, the second compiler first
     * compiles an entry into the loop, of which there is no use by then, and only after it the block.
     */
    private static final int STEPS = 4;

    private final VectorKernels vectors;
    private final int lanes;
    private final int keyStep;
    private final int channelStep;
    private final Halves halves;
    private final Codes codes;
    private final TileOps ops;

    /** Keys whose largest scores are found in pairs, as the vectors find them: zeros have signs, and a NaN is no less than a number. */
    private final int group;

    PlainKernels(VectorKernels vectors) {
        this.vectors = vectors;
        this.lanes = vectors.lanes();
        this.keyStep = vectors.keyStep();
        this.channelStep = vectors.channelStep();
        this.halves = vectors.halves();
        this.codes = vectors.codes();
        this.ops = new TileOps();
        this.group = vectors.block();
    }

    @Override
    public int lanes() {
        return lanes;
    }

    @Override
    public int keyStep() {
        return keyStep;
    }

    @Override
    public int channelStep() {
        return channelStep;
    }

    @Override
    public int keyPitch(int columns) {
        return vectors.keyPitch(columns);
    }

    @Override
    public int valuePitch(int channels) {
        return vectors.valuePitch(channels);
    }

    @Override
    public void scores(float[] k, int k0, int keys, int pitch, int dim, float[] qt, float[] s, float[] top) {
        Arrays.fill(top, 0, lanes, Float.NEGATIVE_INFINITY);
        for (int j = 0; j < keys; j += BLOCK) {
            for (int r = 0; r < lanes; r += BLOCK) {
                scoreBlock(k, k0 + j * pitch, pitch, dim, qt, r, lanes, s, j * lanes + r);
            }
        }
        for (int j = 0; j < keys; j += group) {
            largest(s, j * lanes, lanes, group, top);
        }
    }

    @Override
    public void accumulate(
            float[] v, int v0, int keys, int valuePitch, int channels, float[] s, float[] rescale, float[] o) {
        for (int d = 0; d < channels; d += BLOCK) {
            for (int r = 0; r < lanes; r += BLOCK) {
                valueBlock(v, v0 + d, valuePitch, s, r, keys, lanes, rescale, o, d * lanes + r);
            }
        }
    }

    private static void scoreBlock(
            float[] k, int k0, int step, int dim, float[] qt, int r, int pitch, float[] s, int at) {
        int k1 = k0 + step;
        int k2 = k1 + step;
        int k3 = k2 + step;
        float x00 = 0;
        float x01 = 0;
        float x02 = 0;
        float x03 = 0;
        float x10 = 0;
        float x11 = 0;
        float x12 = 0;
        float x13 = 0;
        float x20 = 0;
        float x21 = 0;
        float x22 = 0;
        float x23 = 0;
        float x30 = 0;
        float x31 = 0;
        float x32 = 0;
        float x33 = 0;
        float q0;
        float q1;
        float q2;
        float q3;
        float b;
        int q = r;
        int d = 0;
        for (; d + STEPS <= dim; d += STEPS) {
            q0 = qt[q];
            q1 = qt[q + 1];
            q2 = qt[q + 2];
            q3 = qt[q + 3];
            b = k[k0 + d];
            x00 = Math.fma(b, q0, x00);
            x01 = Math.fma(b, q1, x01);
            x02 = Math.fma(b, q2, x02);
            x03 = Math.fma(b, q3, x03);
            b = k[k1 + d];
            x10 = Math.fma(b, q0, x10);
            x11 = Math.fma(b, q1, x11);
            x12 = Math.fma(b, q2, x12);
            x13 = Math.fma(b, q3, x13);
            b = k[k2 + d];
            x20 = Math.fma(b, q0, x20);
            x21 = Math.fma(b, q1, x21);
            x22 = Math.fma(b, q2, x22);
            x23 = Math.fma(b, q3, x23);
            b = k[k3 + d];
            x30 = Math.fma(b, q0, x30);
            x31 = Math.fma(b, q1, x31);
            x32 = Math.fma(b, q2, x32);
            x33 = Math.fma(b, q3, x33);
            q += pitch;
            q0 = qt[q];
            q1 = qt[q + 1];
            q2 = qt[q + 2];
            q3 = qt[q + 3];
            b = k[k0 + d + 1];
            x00 = Math.fma(b, q0, x00);
            x01 = Math.fma(b, q1, x01);
            x02 = Math.fma(b, q2, x02);
            x03 = Math.fma(b, q3, x03);
            b = k[k1 + d + 1];
            x10 = Math.fma(b, q0, x10);
            x11 = Math.fma(b, q1, x11);
            x12 = Math.fma(b, q2, x12);
            x13 = Math.fma(b, q3, x13);
            b = k[k2 + d + 1];
            x20 = Math.fma(b, q0, x20);
            x21 = Math.fma(b, q1, x21);
            x22 = Math.fma(b, q2, x22);
            x23 = Math.fma(b, q3, x23);
            b = k[k3 + d + 1];
            x30 = Math.fma(b, q0, x30);
            x31 = Math.fma(b, q1, x31);
            x32 = Math.fma(b, q2, x32);
            x33 = Math.fma(b, q3, x33);
            q += pitch;
            q0 = qt[q];
            q1 = qt[q + 1];
            q2 = qt[q + 2];
            q3 = qt[q + 3];
            b = k[k0 + d + 2];
            x00 = Math.fma(b, q0, x00);
            x01 = Math.fma(b, q1, x01);
            x02 = Math.fma(b, q2, x02);
            x03 = Math.fma(b, q3, x03);
            b = k[k1 + d + 2];
            x10 = Math.fma(b, q0, x10);
            x11 = Math.fma(b, q1, x11);
            x12 = Math.fma(b, q2, x12);
            x13 = Math.fma(b, q3, x13);
            b = k[k2 + d + 2];
            x20 = Math.fma(b, q0, x20);
            x21 = Math.fma(b, q1, x21);
            x22 = Math.fma(b, q2, x22);
            x23 = Math.fma(b, q3, x23);
            b = k[k3 + d + 2];
            x30 = Math.fma(b, q0, x30);
            x31 = Math.fma(b, q1, x31);
            x32 = Math.fma(b, q2, x32);
            x33 = Math.fma(b, q3, x33);
            q += pitch;
            q0 = qt[q];
            q1 = qt[q + 1];
            q2 = qt[q + 2];
            q3 = qt[q + 3];
            b = k[k0 + d + 3];
            x00 = Math.fma(b, q0, x00);
            x01 = Math.fma(b, q1, x01);
            x02 = Math.fma(b, q2, x02);
            x03 = Math.fma(b, q3, x03);
            b = k[k1 + d + 3];
            x10 = Math.fma(b, q0, x10);
            x11 = Math.fma(b, q1, x11);
            x12 = Math.fma(b, q2, x12);
            x13 = Math.fma(b, q3, x13);
            b = k[k2 + d + 3];
            x20 = Math.fma(b, q0, x20);
            x21 = Math.fma(b, q1, x21);
            x22 = Math.fma(b, q2, x22);
            x23 = Math.fma(b, q3, x23);
            b = k[k3 + d + 3];
            x30 = Math.fma(b, q0, x30);
            x31 = Math.fma(b, q1, x31);
            x32 = Math.fma(b, q2, x32);
            x33 = Math.fma(b, q3, x33);
            q += pitch;
        }
        for (; d < dim; d++) {
            q0 = qt[q];
            q1 = qt[q + 1];
            q2 = qt[q + 2];
            q3 = qt[q + 3];
            b = k[k0 + d];
            x00 = Math.fma(b, q0, x00);
            x01 = Math.fma(b, q1, x01);
            x02 = Math.fma(b, q2, x02);
            x03 = Math.fma(b, q3, x03);
            b = k[k1 + d];
            x10 = Math.fma(b, q0, x10);
            x11 = Math.fma(b, q1, x11);
            x12 = Math.fma(b, q2, x12);
            x13 = Math.fma(b, q3, x13);
            b = k[k2 + d];
            x20 = Math.fma(b, q0, x20);
            x21 = Math.fma(b, q1, x21);
            x22 = Math.fma(b, q2, x22);
            x23 = Math.fma(b, q3, x23);
            b = k[k3 + d];
            x30 = Math.fma(b, q0, x30);
            x31 = Math.fma(b, q1, x31);
            x32 = Math.fma(b, q2, x32);
            x33 = Math.fma(b, q3, x33);
            q += pitch;
        }
        s[at] = x00;
        s[at + 1] = x01;
        s[at + 2] = x02;
        s[at + 3] = x03;
        at += pitch;
        s[at] = x10;
        s[at + 1] = x11;
        s[at + 2] = x12;
        s[at + 3] = x13;
        at += pitch;
        s[at] = x20;
        s[at + 1] = x21;
        s[at + 2] = x22;
        s[at + 3] = x23;
        at += pitch;
        s[at] = x30;
        s[at + 1] = x31;
        s[at + 2] = x32;
        s[at + 3] = x33;
    }

    private static void valueBlock(
            float[] v, int v0, int step, float[] p, int r, int keys, int pitch, float[] rescale, float[] o, int o0) {
        float r0 = rescale[r];
        float r1 = rescale[r + 1];
        float r2 = rescale[r + 2];
        float r3 = rescale[r + 3];
        int o1 = o0 + pitch;
        int o2 = o1 + pitch;
        int o3 = o2 + pitch;
        float x00 = o[o0] * r0;
        float x01 = o[o0 + 1] * r1;
        float x02 = o[o0 + 2] * r2;
        float x03 = o[o0 + 3] * r3;
        float x10 = o[o1] * r0;
        float x11 = o[o1 + 1] * r1;
        float x12 = o[o1 + 2] * r2;
        float x13 = o[o1 + 3] * r3;
        float x20 = o[o2] * r0;
        float x21 = o[o2 + 1] * r1;
        float x22 = o[o2 + 2] * r2;
        float x23 = o[o2 + 3] * r3;
        float x30 = o[o3] * r0;
        float x31 = o[o3 + 1] * r1;
        float x32 = o[o3 + 2] * r2;
        float x33 = o[o3 + 3] * r3;
        float p0;
        float p1;
        float p2;
        float p3;
        float b;
        int row = r;
        int x = v0;
        for (int j = 0; j < keys; j += STEPS) { // keys come in eights
            p0 = p[row];
            p1 = p[row + 1];
            p2 = p[row + 2];
            p3 = p[row + 3];
            b = v[x];
            x00 = Math.fma(b, p0, x00);
            x01 = Math.fma(b, p1, x01);
            x02 = Math.fma(b, p2, x02);
            x03 = Math.fma(b, p3, x03);
            b = v[x + 1];
            x10 = Math.fma(b, p0, x10);
            x11 = Math.fma(b, p1, x11);
            x12 = Math.fma(b, p2, x12);
            x13 = Math.fma(b, p3, x13);
            b = v[x + 2];
            x20 = Math.fma(b, p0, x20);
            x21 = Math.fma(b, p1, x21);
            x22 = Math.fma(b, p2, x22);
            x23 = Math.fma(b, p3, x23);
            b = v[x + 3];
            x30 = Math.fma(b, p0, x30);
            x31 = Math.fma(b, p1, x31);
            x32 = Math.fma(b, p2, x32);
            x33 = Math.fma(b, p3, x33);
            row += pitch;
            x += step;
            p0 = p[row];
            p1 = p[row + 1];
            p2 = p[row + 2];
            p3 = p[row + 3];
            b = v[x];
            x00 = Math.fma(b, p0, x00);
            x01 = Math.fma(b, p1, x01);
            x02 = Math.fma(b, p2, x02);
            x03 = Math.fma(b, p3, x03);
            b = v[x + 1];
            x10 = Math.fma(b, p0, x10);
            x11 = Math.fma(b, p1, x11);
            x12 = Math.fma(b, p2, x12);
            x13 = Math.fma(b, p3, x13);
            b = v[x + 2];
            x20 = Math.fma(b, p0, x20);
            x21 = Math.fma(b, p1, x21);
            x22 = Math.fma(b, p2, x22);
            x23 = Math.fma(b, p3, x23);
            b = v[x + 3];
            x30 = Math.fma(b, p0, x30);
            x31 = Math.fma(b, p1, x31);
            x32 = Math.fma(b, p2, x32);
            x33 = Math.fma(b, p3, x33);
            row += pitch;
            x += step;
            p0 = p[row];
            p1 = p[row + 1];
            p2 = p[row + 2];
            p3 = p[row + 3];
            b = v[x];
            x00 = Math.fma(b, p0, x00);
            x01 = Math.fma(b, p1, x01);
            x02 = Math.fma(b, p2, x02);
            x03 = Math.fma(b, p3, x03);
            b = v[x + 1];
            x10 = Math.fma(b, p0, x10);
            x11 = Math.fma(b, p1, x11);
            x12 = Math.fma(b, p2, x12);
            x13 = Math.fma(b, p3, x13);
            b = v[x + 2];
            x20 = Math.fma(b, p0, x20);
            x21 = Math.fma(b, p1, x21);
            x22 = Math.fma(b, p2, x22);
            x23 = Math.fma(b, p3, x23);
            b = v[x + 3];
            x30 = Math.fma(b, p0, x30);
            x31 = Math.fma(b, p1, x31);
            x32 = Math.fma(b, p2, x32);
            x33 = Math.fma(b, p3, x33);
            row += pitch;
            x += step;
            p0 = p[row];
            p1 = p[row + 1];
            p2 = p[row + 2];
            p3 = p[row + 3];
            b = v[x];
            x00 = Math.fma(b, p0, x00);
            x01 = Math.fma(b, p1, x01);
            x02 = Math.fma(b, p2, x02);
            x03 = Math.fma(b, p3, x03);
            b = v[x + 1];
            x10 = Math.fma(b, p0, x10);
            x11 = Math.fma(b, p1, x11);
            x12 = Math.fma(b, p2, x12);
            x13 = Math.fma(b, p3, x13);
            b = v[x + 2];
            x20 = Math.fma(b, p0, x20);
            x21 = Math.fma(b, p1, x21);
            x22 = Math.fma(b, p2, x22);
            x23 = Math.fma(b, p3, x23);
            b = v[x + 3];
            x30 = Math.fma(b, p0, x30);
            x31 = Math.fma(b, p1, x31);
            x32 = Math.fma(b, p2, x32);
            x33 = Math.fma(b, p3, x33);
            row += pitch;
            x += step;
        }
        o[o0] = x00;
        o[o0 + 1] = x01;
        o[o0 + 2] = x02;
        o[o0 + 3] = x03;
        o[o1] = x10;
        o[o1 + 1] = x11;
        o[o1 + 2] = x12;
        o[o1 + 3] = x13;
        o[o2] = x20;
        o[o2 + 1] = x21;
        o[o2 + 2] = x22;
        o[o2 + 3] = x23;
        o[o3] = x30;
        o[o3 + 1] = x31;
        o[o3 + 2] = x32;
        o[o3 + 3] = x33;
    }

    /** Raises the largest of each lane to those of a group of keys. */
    private static void largest(float[] s, int at, int pitch, int group, float[] top) {
        for (int r = 0; r < pitch; r++) {
            int x = at + r;
            float a = larger(s[x], s[x + pitch]);
            if (group > 2) {
                a = larger(a, larger(s[x + 2 * pitch], s[x + 3 * pitch]));
            }
            if (group == 8) {
                x += 4 * pitch;
                a = larger(a, larger(larger(s[x], s[x + pitch]), larger(s[x + 2 * pitch], s[x + 3 * pitch])));
            }
            top[r] = larger(top[r], a);
        }
    }

    private static float larger(float a, float b) {
        return b > a ? b : a;
    }

    @Override
    public void top(float[] s, int keys, float[] top) {
        Arrays.fill(top, 0, lanes, Float.NEGATIVE_INFINITY);
        for (int j = 0; j < keys; j += keyStep) {
            largest(s, j * lanes, lanes, keyStep, top);
        }
    }

    @Override
    public void softmax(float[] s, int keys, boolean natural, float[] top, float[] max, float[] sum, float[] rescale) {
        float unit = natural ? Exponential.LOG2E : 1;
        for (int r = 0; r < lanes; r++) {
            float old = max[r];
            float m = larger(old, top[r]);
            max[r] = m;
            rescale[r] = exp2(old == m ? 0 : (old - m) * unit);
        }
        for (int r = 0; r < lanes; r++) {
            exponentiate(s, r, keys, lanes, unit, max, sum, rescale);
        }
    }

    private static void exponentiate(
            float[] s, int r, int keys, int pitch, float unit, float[] max, float[] sum, float[] rescale) {
        float m = max[r] == Float.NEGATIVE_INFINITY ? 0 : max[r];
        float all = 0;
        int end = keys * pitch;
        for (int at = r; at < end; at += pitch) {
            float p = exp2((s[at] - m) * unit);
            s[at] = p;
            all += p;
        }
        sum[r] = sum[r] * rescale[r] + all;
    }

    private static float exp2(float t) {
        float z = t + Exponential.ROUND;
        float y = t - (z - Exponential.ROUND);
        float w = y * y;
        float p = Math.fma(Exponential.C6, y, Exponential.C5);
        p = Math.fma(p, w, Math.fma(Exponential.C4, y, Exponential.C3));
        p = Math.fma(p, w, Math.fma(Exponential.C2, y, Exponential.C1));
        p = Math.fma(p, y, 1);
        return t < -126 ? 0 : p * Float.intBitsToFloat(Float.floatToRawIntBits(z) << 23);
    }

    @Override
    public void exponentials(float[] s, int keys, boolean natural, float[] max, float[] factor, float[] p) {
        float unit = natural ? Exponential.LOG2E : 1;
        for (int r = 0; r < lanes; r++) {
            float m = max[r] == Float.NEGATIVE_INFINITY ? 0 : max[r];
            int end = keys * lanes;
            for (int at = r; at < end; at += lanes) {
                p[at] = exp2((s[at] - m) * unit) * factor[r];
            }
        }
    }

    @Override
    public void band(float[] s, int keys, int key0, int[] low, int[] high) {
        for (int j = 0; j < keys; j++) {
            for (int r = 0; r < lanes; r++) {
                if (key0 + j < low[r] || key0 + j > high[r]) {
                    s[j * lanes + r] = Float.NEGATIVE_INFINITY;
                }
            }
        }
    }

    @Override
    public boolean hasNan(float[] a, int n) {
        for (int i = 0; i < n; i++) {
            if (Float.isNaN(a[i])) {
                return true;
            }
        }
        return false;
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
