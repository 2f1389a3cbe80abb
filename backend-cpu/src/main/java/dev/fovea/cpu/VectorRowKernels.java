package dev.fovea.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The row kernels in vectors, by the rules of {@link VectorKernels}. Sums across lanes fold the vector in halves, in an order that is
 * the same in the interpreter and in compiled code.
 */
final class VectorRowKernels implements RowKernels {
    private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
    private static final int LENGTH = Species.LENGTH;
    private static final VectorShuffle<Float> HALF = Fold.HALF;
    private static final VectorShuffle<Float> QUARTER = Fold.QUARTER;
    private static final VectorShuffle<Float> EIGHTH = Fold.EIGHTH;
    private static final VectorShuffle<Float> SIXTEENTH = Fold.SIXTEENTH;
    private static final VectorMask<Float> UPPER_HALF = Fold.UPPER_HALF;
    private static final VectorMask<Float> UPPER_QUARTERS = Fold.UPPER_QUARTERS;
    private static final VectorMask<Float> UPPER_EIGHTHS = Fold.UPPER_EIGHTHS;
    private static final int ROWS = 4;

    @Override
    public int step() {
        return LENGTH;
    }

    @Override
    public int keyStep() {
        return VectorMemoryKernels.GROUP;
    }

    @Override
    public int workSize() {
        return Math.max(Fold.SIZE + 1, VectorStreamKernels.WORK);
    }

    @Override
    public void scores(
            float[] k, int keys, int dim, float[] q, int rows, float scale, float[] s, int pitch, float[] t) {
        int r = 0;
        for (; r + ROWS <= rows; r += ROWS) {
            for (int j = 0; j < keys; j += 2) {
                fourRows(k, j * dim, dim, q, r * dim, scale, s, r * pitch + j, pitch, t);
            }
        }
        for (; r < rows; r++) {
            for (int j = 0; j < keys; j += 4) {
                oneRow(k, j * dim, dim, q, r * dim, scale, s, r * pitch + j, t);
            }
        }
    }

    private static void fourRows(
            float[] k, int a, int dim, float[] q, int q0, float scale, float[] s, int at, int p, float[] t) {
        int b = a + dim;
        int q1 = q0 + dim;
        int q2 = q1 + dim;
        int q3 = q2 + dim;
        FloatVector a0 = FloatVector.zero(FLOATS);
        FloatVector a1 = FloatVector.zero(FLOATS);
        FloatVector a2 = FloatVector.zero(FLOATS);
        FloatVector a3 = FloatVector.zero(FLOATS);
        FloatVector b0 = FloatVector.zero(FLOATS);
        FloatVector b1 = FloatVector.zero(FLOATS);
        FloatVector b2 = FloatVector.zero(FLOATS);
        FloatVector b3 = FloatVector.zero(FLOATS);
        for (int d = 0; d < dim; d += LENGTH) {
            FloatVector x = FloatVector.fromArray(FLOATS, k, a + d);
            FloatVector y = FloatVector.fromArray(FLOATS, k, b + d);
            FloatVector z = FloatVector.fromArray(FLOATS, q, q0 + d);
            a0 = x.fma(z, a0);
            b0 = y.fma(z, b0);
            z = FloatVector.fromArray(FLOATS, q, q1 + d);
            a1 = x.fma(z, a1);
            b1 = y.fma(z, b1);
            z = FloatVector.fromArray(FLOATS, q, q2 + d);
            a2 = x.fma(z, a2);
            b2 = y.fma(z, b2);
            z = FloatVector.fromArray(FLOATS, q, q3 + d);
            a3 = x.fma(z, a3);
            b3 = y.fma(z, b3);
        }
        // each step adds halves of two vectors: at the end key a is in the lower half, b in the upper, the rows in
        // order
        a0 = a0.blend(b0, UPPER_HALF).add(b0.blend(a0, UPPER_HALF).rearrange(HALF));
        a1 = a1.blend(b1, UPPER_HALF).add(b1.blend(a1, UPPER_HALF).rearrange(HALF));
        a2 = a2.blend(b2, UPPER_HALF).add(b2.blend(a2, UPPER_HALF).rearrange(HALF));
        a3 = a3.blend(b3, UPPER_HALF).add(b3.blend(a3, UPPER_HALF).rearrange(HALF));
        a0 = a0.blend(a2, UPPER_QUARTERS).add(a2.blend(a0, UPPER_QUARTERS).rearrange(QUARTER));
        a1 = a1.blend(a3, UPPER_QUARTERS).add(a3.blend(a1, UPPER_QUARTERS).rearrange(QUARTER));
        if (LENGTH > 4) {
            a0 = a0.blend(a1, UPPER_EIGHTHS).add(a1.blend(a0, UPPER_EIGHTHS).rearrange(EIGHTH));
            if (LENGTH > 8) {
                a0 = a0.add(a0.rearrange(SIXTEENTH));
            }
            a0.mul(scale).intoArray(t, 0);
        } else {
            a0.mul(scale).intoArray(t, 0);
            a1.mul(scale).intoArray(t, LENGTH);
        }
        Fold.toRows(t, s, at, p);
    }

    private static void oneRow(
            float[] k, int a, int dim, float[] q, int q0, float scale, float[] s, int at, float[] t) {
        int b = a + dim;
        int c = b + dim;
        int e = c + dim;
        FloatVector a0 = FloatVector.zero(FLOATS);
        FloatVector b0 = FloatVector.zero(FLOATS);
        FloatVector c0 = FloatVector.zero(FLOATS);
        FloatVector e0 = FloatVector.zero(FLOATS);
        for (int d = 0; d < dim; d += LENGTH) {
            FloatVector z = FloatVector.fromArray(FLOATS, q, q0 + d);
            a0 = FloatVector.fromArray(FLOATS, k, a + d).fma(z, a0);
            b0 = FloatVector.fromArray(FLOATS, k, b + d).fma(z, b0);
            c0 = FloatVector.fromArray(FLOATS, k, c + d).fma(z, c0);
            e0 = FloatVector.fromArray(FLOATS, k, e + d).fma(z, e0);
        }
        a0 = a0.blend(b0, UPPER_HALF).add(b0.blend(a0, UPPER_HALF).rearrange(HALF));
        c0 = c0.blend(e0, UPPER_HALF).add(e0.blend(c0, UPPER_HALF).rearrange(HALF));
        a0 = a0.blend(c0, UPPER_QUARTERS).add(c0.blend(a0, UPPER_QUARTERS).rearrange(QUARTER));
        if (LENGTH > 4) {
            a0 = a0.add(a0.rearrange(EIGHTH));
        }
        if (LENGTH > 8) {
            a0 = a0.add(a0.rearrange(SIXTEENTH));
        }
        a0.mul(scale).intoArray(t, 0);
        s[at] = t[0];
        s[at + 1] = t[LENGTH / 2];
        s[at + 2] = t[LENGTH / 4];
        s[at + 3] = t[LENGTH / 2 + LENGTH / 4];
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
        VectorMemoryKernels.scores(k, dim, q, rows, scale, s, pitch, work, soon, later);
    }

    @Override
    public boolean streams(int dim, int channels) {
        return VectorStreamKernels.fits(dim, channels);
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
        VectorStreamKernels.run(v, s, rescale, o, k, dim, q, scale, next, work);
    }

    @Override
    public void accumulate(RowGroups v, int channels, float[] s, int pitch, int rows, float[] rescale, float[] o) {
        VectorMemoryKernels.accumulate(v, channels, s, pitch, rows, rescale, o);
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
            float[] t) {
        VectorCodeKernels.scores(k, zero, keys, dim, q, rows, scale, s, pitch, t);
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
        VectorCodeKernels.accumulate(v, zero, keys, channels, s, pitch, rows, rescale, o);
    }

    @Override
    public void multiply(float[] s, int at, int n, float[] by) {
        VectorCodeKernels.multiply(s, at, n, by);
    }

    @Override
    public float raise(float[] s, int at, int n, float max, float[] lanes) {
        largest(s, at, n, lanes);
        float m = max;
        for (int i = 0; i < LENGTH; i++) {
            m = lanes[i] > m ? lanes[i] : m;
        }
        return m;
    }

    /** By compare and blend the maximum was boxed, once the kernels of tiles had been compiled before. */
    private static void largest(float[] s, int at, int n, float[] lanes) {
        FloatVector m =
                FloatVector.fromArray(FLOATS, s, at); // a NaN stays, but with one the row is NaN whatever the maximum
        for (int j = LENGTH; j < n; j += LENGTH) {
            m = m.max(FloatVector.fromArray(FLOATS, s, at + j));
        }
        m.intoArray(lanes, 0);
    }

    @Override
    public void exponentiate(float[] s, int at, int n, float max, float[] sums, int sum, float rescale) {
        exponentials(s, at, n, max == Float.NEGATIVE_INFINITY ? 0 : max, sums, sum, rescale);
    }

    private static void exponentials(float[] s, int at, int n, float max, float[] sums, int sum, float rescale) {
        FloatVector c6 = FloatVector.broadcast(FLOATS, Exponential.C6);
        FloatVector c5 = FloatVector.broadcast(FLOATS, Exponential.C5);
        FloatVector c4 = FloatVector.broadcast(FLOATS, Exponential.C4);
        FloatVector c3 = FloatVector.broadcast(FLOATS, Exponential.C3);
        FloatVector c2 = FloatVector.broadcast(FLOATS, Exponential.C2);
        FloatVector c1 = FloatVector.broadcast(FLOATS, Exponential.C1);
        FloatVector c0 = FloatVector.broadcast(FLOATS, 1f);
        FloatVector total = FloatVector.fromArray(FLOATS, sums, sum).mul(rescale);
        for (int j = 0; j < n; j += LENGTH) {
            FloatVector t = FloatVector.fromArray(FLOATS, s, at + j).sub(max).mul(Exponential.LOG2E);
            FloatVector z = t.add(Exponential.ROUND);
            FloatVector y = t.sub(z.sub(Exponential.ROUND));
            FloatVector p =
                    c6.fma(y, c5).fma(y, c4).fma(y, c3).fma(y, c2).fma(y, c1).fma(y, c0);
            p = p.mul(z.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p = p.blend(0f, t.compare(VectorOperators.LT, -126f));
            p.intoArray(s, at + j);
            total = total.add(p);
        }
        total.intoArray(sums, sum);
    }

    @Override
    public void accumulate(
            float[] v, int keys, int channels, float[] s, int pitch, int rows, float[] rescale, float[] o) {
        int r = 0;
        int pairs = channels - channels % (2 * LENGTH);
        for (; r + ROWS <= rows; r += ROWS) {
            for (int d = 0; d < pairs; d += 2 * LENGTH) {
                fourRowsTwoVectors(v, d, keys, channels, s, r * pitch, pitch, rescale, r, o, r * channels + d);
            }
            for (int d = pairs; d < channels; d += LENGTH) {
                for (int i = r; i < r + ROWS; i++) {
                    oneVector(v, d, keys, channels, s, i * pitch, rescale[i], o, i * channels + d);
                }
            }
        }
        int fours = channels - channels % (4 * LENGTH);
        for (; r < rows; r++) {
            for (int d = 0; d < fours; d += 4 * LENGTH) {
                fourVectors(v, d, keys, channels, s, r * pitch, rescale[r], o, r * channels + d);
            }
            for (int d = fours; d < channels; d += LENGTH) {
                oneVector(v, d, keys, channels, s, r * pitch, rescale[r], o, r * channels + d);
            }
        }
    }

    private static void fourRowsTwoVectors(
            float[] v,
            int v0,
            int keys,
            int channels,
            float[] s,
            int s0,
            int pitch,
            float[] rescale,
            int r,
            float[] o,
            int o0) {
        int o1 = o0 + channels;
        int o2 = o1 + channels;
        int o3 = o2 + channels;
        int s1 = s0 + pitch;
        int s2 = s1 + pitch;
        int s3 = s2 + pitch;
        FloatVector a0 = FloatVector.fromArray(FLOATS, o, o0).mul(rescale[r]);
        FloatVector b0 = FloatVector.fromArray(FLOATS, o, o0 + LENGTH).mul(rescale[r]);
        FloatVector a1 = FloatVector.fromArray(FLOATS, o, o1).mul(rescale[r + 1]);
        FloatVector b1 = FloatVector.fromArray(FLOATS, o, o1 + LENGTH).mul(rescale[r + 1]);
        FloatVector a2 = FloatVector.fromArray(FLOATS, o, o2).mul(rescale[r + 2]);
        FloatVector b2 = FloatVector.fromArray(FLOATS, o, o2 + LENGTH).mul(rescale[r + 2]);
        FloatVector a3 = FloatVector.fromArray(FLOATS, o, o3).mul(rescale[r + 3]);
        FloatVector b3 = FloatVector.fromArray(FLOATS, o, o3 + LENGTH).mul(rescale[r + 3]);
        int at = v0;
        for (int j = 0; j < keys; j++) {
            FloatVector x = FloatVector.fromArray(FLOATS, v, at);
            FloatVector y = FloatVector.fromArray(FLOATS, v, at + LENGTH);
            FloatVector p = FloatVector.broadcast(FLOATS, s[s0 + j]);
            a0 = x.fma(p, a0);
            b0 = y.fma(p, b0);
            p = FloatVector.broadcast(FLOATS, s[s1 + j]);
            a1 = x.fma(p, a1);
            b1 = y.fma(p, b1);
            p = FloatVector.broadcast(FLOATS, s[s2 + j]);
            a2 = x.fma(p, a2);
            b2 = y.fma(p, b2);
            p = FloatVector.broadcast(FLOATS, s[s3 + j]);
            a3 = x.fma(p, a3);
            b3 = y.fma(p, b3);
            at += channels;
        }
        a0.intoArray(o, o0);
        b0.intoArray(o, o0 + LENGTH);
        a1.intoArray(o, o1);
        b1.intoArray(o, o1 + LENGTH);
        a2.intoArray(o, o2);
        b2.intoArray(o, o2 + LENGTH);
        a3.intoArray(o, o3);
        b3.intoArray(o, o3 + LENGTH);
    }

    private static void fourVectors(
            float[] v, int v0, int keys, int channels, float[] s, int s0, float rescale, float[] o, int o0) {
        FloatVector a = FloatVector.fromArray(FLOATS, o, o0).mul(rescale);
        FloatVector b = FloatVector.fromArray(FLOATS, o, o0 + LENGTH).mul(rescale);
        FloatVector c = FloatVector.fromArray(FLOATS, o, o0 + 2 * LENGTH).mul(rescale);
        FloatVector e = FloatVector.fromArray(FLOATS, o, o0 + 3 * LENGTH).mul(rescale);
        int at = v0;
        for (int j = 0; j < keys; j++) {
            FloatVector p = FloatVector.broadcast(FLOATS, s[s0 + j]);
            a = FloatVector.fromArray(FLOATS, v, at).fma(p, a);
            b = FloatVector.fromArray(FLOATS, v, at + LENGTH).fma(p, b);
            c = FloatVector.fromArray(FLOATS, v, at + 2 * LENGTH).fma(p, c);
            e = FloatVector.fromArray(FLOATS, v, at + 3 * LENGTH).fma(p, e);
            at += channels;
        }
        a.intoArray(o, o0);
        b.intoArray(o, o0 + LENGTH);
        c.intoArray(o, o0 + 2 * LENGTH);
        e.intoArray(o, o0 + 3 * LENGTH);
    }

    private static void oneVector(
            float[] v, int v0, int keys, int channels, float[] s, int s0, float rescale, float[] o, int o0) {
        FloatVector a = FloatVector.fromArray(FLOATS, o, o0).mul(rescale);
        int at = v0;
        for (int j = 0; j < keys; j++) {
            a = FloatVector.fromArray(FLOATS, v, at).fma(FloatVector.broadcast(FLOATS, s[s0 + j]), a);
            at += channels;
        }
        a.intoArray(o, o0);
    }
}
