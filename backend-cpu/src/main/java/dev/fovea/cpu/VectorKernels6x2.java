package dev.fovea.cpu;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products in register blocks of 6 keys or 5 channels by 2 vectors of queries: for 16 vector registers. The compiler brings broadcasts
 * two or three ahead; with 6 channels, whose addresses it need not work out, it spills.
 *
 * <p>Processors with 16 registers start four to six operations a cycle, and what bounds the loops is their number. So the loops are
 * counted and what they index rises by constants: then the checks of ranges are made once, before the loop. That is why rows of values
 * have a pitch that is a constant.
 *
 * <p>The blocks are written out since only local variables stay in registers, and they are methods of their own since the compiler
 * spoils their loops when it inlines them.
 */
final class VectorKernels6x2 extends VectorKernels {
    private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
    private static final int LENGTH = Species.LENGTH;
    private static final int PITCH = 2 * LENGTH;

    /** Of rows of values up to it: a small multiple of the other pitch, and no power of two, whose rows would share few sets of a cache. */
    private static final int VALUE_PITCH = 144;

    /** Channels below which most of the memory would lie between the rows. */
    private static final int LEAST_OF_PITCH = 32;

    VectorKernels6x2() {
        super(2);
    }

    @Override
    int block() {
        return 2;
    }

    @Override
    public int valuePitch(int channels) {
        return channels >= LEAST_OF_PITCH && channels <= VALUE_PITCH ? VALUE_PITCH : super.valuePitch(channels);
    }

    @Override
    public void scores(float[] k, int k0, int keys, int pitch, int dim, float[] qt, float[] s, float[] top) {
        Arrays.fill(top, 0, PITCH, Float.NEGATIVE_INFINITY);
        int j = 0;
        for (int sixes = keys - 4 * fours(keys, 6); j < sixes; j += 6) {
            scores6(k, k0 + j * pitch, pitch, dim, qt, s, j * PITCH, top);
        }
        for (; j < keys; j += 4) {
            scores4(k, k0 + j * pitch, pitch, dim, qt, s, j * PITCH, top);
        }
    }

    @Override
    public void accumulate(
            float[] v, int v0, int keys, int pitch, int channels, float[] s, float[] rescale, float[] o) {
        int d = 0;
        if (pitch == VALUE_PITCH) {
            for (int fives = channels - 4 * fours(channels, 5); d < fives; d += 5) {
                values5(v, v0 + d, keys, s, rescale, o, d * PITCH);
            }
            for (; d < channels; d += 4) {
                values4(v, v0 + d, keys, s, rescale, o, d * PITCH);
            }
        }
        for (; d < channels; d += 4) {
            valuesAtPitch(v, v0 + d, pitch, keys, s, rescale, o, d * PITCH);
        }
    }

    private static void scores6(float[] k, int k0, int pitch, int dim, float[] qt, float[] s, int at, float[] top) {
        int k1 = k0 + pitch;
        int k2 = k1 + pitch;
        int k3 = k2 + pitch;
        int k4 = k3 + pitch;
        int k5 = k4 + pitch;
        FloatVector x00 = FloatVector.zero(FLOATS);
        FloatVector x01 = FloatVector.zero(FLOATS);
        FloatVector x10 = FloatVector.zero(FLOATS);
        FloatVector x11 = FloatVector.zero(FLOATS);
        FloatVector x20 = FloatVector.zero(FLOATS);
        FloatVector x21 = FloatVector.zero(FLOATS);
        FloatVector x30 = FloatVector.zero(FLOATS);
        FloatVector x31 = FloatVector.zero(FLOATS);
        FloatVector x40 = FloatVector.zero(FLOATS);
        FloatVector x41 = FloatVector.zero(FLOATS);
        FloatVector x50 = FloatVector.zero(FLOATS);
        FloatVector x51 = FloatVector.zero(FLOATS);
        for (int d = 0; d < dim; d++) {
            int q = d * PITCH;
            FloatVector q0 = FloatVector.fromArray(FLOATS, qt, q);
            FloatVector q1 = FloatVector.fromArray(FLOATS, qt, q + LENGTH);
            FloatVector b = FloatVector.broadcast(FLOATS, k[k0 + d]);
            x00 = b.fma(q0, x00);
            x01 = b.fma(q1, x01);
            b = FloatVector.broadcast(FLOATS, k[k1 + d]);
            x10 = b.fma(q0, x10);
            x11 = b.fma(q1, x11);
            b = FloatVector.broadcast(FLOATS, k[k2 + d]);
            x20 = b.fma(q0, x20);
            x21 = b.fma(q1, x21);
            b = FloatVector.broadcast(FLOATS, k[k3 + d]);
            x30 = b.fma(q0, x30);
            x31 = b.fma(q1, x31);
            b = FloatVector.broadcast(FLOATS, k[k4 + d]);
            x40 = b.fma(q0, x40);
            x41 = b.fma(q1, x41);
            b = FloatVector.broadcast(FLOATS, k[k5 + d]);
            x50 = b.fma(q0, x50);
            x51 = b.fma(q1, x51);
        }
        x00.intoArray(s, at);
        x01.intoArray(s, at + LENGTH);
        x10.intoArray(s, at + 2 * LENGTH);
        x11.intoArray(s, at + 3 * LENGTH);
        x20.intoArray(s, at + 4 * LENGTH);
        x21.intoArray(s, at + 5 * LENGTH);
        x30.intoArray(s, at + 6 * LENGTH);
        x31.intoArray(s, at + 7 * LENGTH);
        x40.intoArray(s, at + 8 * LENGTH);
        x41.intoArray(s, at + 9 * LENGTH);
        x50.intoArray(s, at + 10 * LENGTH);
        x51.intoArray(s, at + 11 * LENGTH);
        x00 = x00.blend(x10, x10.compare(VectorOperators.GT, x00));
        x01 = x01.blend(x11, x11.compare(VectorOperators.GT, x01));
        x20 = x20.blend(x30, x30.compare(VectorOperators.GT, x20));
        x21 = x21.blend(x31, x31.compare(VectorOperators.GT, x21));
        x40 = x40.blend(x50, x50.compare(VectorOperators.GT, x40));
        x41 = x41.blend(x51, x51.compare(VectorOperators.GT, x41));
        FloatVector t0 = FloatVector.fromArray(FLOATS, top, 0);
        FloatVector t1 = FloatVector.fromArray(FLOATS, top, LENGTH);
        t0 = t0.blend(x00, x00.compare(VectorOperators.GT, t0));
        t1 = t1.blend(x01, x01.compare(VectorOperators.GT, t1));
        t0 = t0.blend(x20, x20.compare(VectorOperators.GT, t0));
        t1 = t1.blend(x21, x21.compare(VectorOperators.GT, t1));
        t0 = t0.blend(x40, x40.compare(VectorOperators.GT, t0));
        t1 = t1.blend(x41, x41.compare(VectorOperators.GT, t1));
        t0.intoArray(top, 0);
        t1.intoArray(top, LENGTH);
    }

    private static void scores4(float[] k, int k0, int pitch, int dim, float[] qt, float[] s, int at, float[] top) {
        int k1 = k0 + pitch;
        int k2 = k1 + pitch;
        int k3 = k2 + pitch;
        FloatVector x00 = FloatVector.zero(FLOATS);
        FloatVector x01 = FloatVector.zero(FLOATS);
        FloatVector x10 = FloatVector.zero(FLOATS);
        FloatVector x11 = FloatVector.zero(FLOATS);
        FloatVector x20 = FloatVector.zero(FLOATS);
        FloatVector x21 = FloatVector.zero(FLOATS);
        FloatVector x30 = FloatVector.zero(FLOATS);
        FloatVector x31 = FloatVector.zero(FLOATS);
        for (int d = 0; d < dim; d++) {
            int q = d * PITCH;
            FloatVector q0 = FloatVector.fromArray(FLOATS, qt, q);
            FloatVector q1 = FloatVector.fromArray(FLOATS, qt, q + LENGTH);
            FloatVector b = FloatVector.broadcast(FLOATS, k[k0 + d]);
            x00 = b.fma(q0, x00);
            x01 = b.fma(q1, x01);
            b = FloatVector.broadcast(FLOATS, k[k1 + d]);
            x10 = b.fma(q0, x10);
            x11 = b.fma(q1, x11);
            b = FloatVector.broadcast(FLOATS, k[k2 + d]);
            x20 = b.fma(q0, x20);
            x21 = b.fma(q1, x21);
            b = FloatVector.broadcast(FLOATS, k[k3 + d]);
            x30 = b.fma(q0, x30);
            x31 = b.fma(q1, x31);
        }
        x00.intoArray(s, at);
        x01.intoArray(s, at + LENGTH);
        x10.intoArray(s, at + 2 * LENGTH);
        x11.intoArray(s, at + 3 * LENGTH);
        x20.intoArray(s, at + 4 * LENGTH);
        x21.intoArray(s, at + 5 * LENGTH);
        x30.intoArray(s, at + 6 * LENGTH);
        x31.intoArray(s, at + 7 * LENGTH);
        x00 = x00.blend(x10, x10.compare(VectorOperators.GT, x00));
        x01 = x01.blend(x11, x11.compare(VectorOperators.GT, x01));
        x20 = x20.blend(x30, x30.compare(VectorOperators.GT, x20));
        x21 = x21.blend(x31, x31.compare(VectorOperators.GT, x21));
        FloatVector t0 = FloatVector.fromArray(FLOATS, top, 0);
        FloatVector t1 = FloatVector.fromArray(FLOATS, top, LENGTH);
        t0 = t0.blend(x00, x00.compare(VectorOperators.GT, t0));
        t1 = t1.blend(x01, x01.compare(VectorOperators.GT, t1));
        t0 = t0.blend(x20, x20.compare(VectorOperators.GT, t0));
        t1 = t1.blend(x21, x21.compare(VectorOperators.GT, t1));
        t0.intoArray(top, 0);
        t1.intoArray(top, LENGTH);
    }

    private static void values5(float[] v, int v0, int keys, float[] p, float[] rescale, float[] o, int at) {
        FloatVector r0 = FloatVector.fromArray(FLOATS, rescale, 0);
        FloatVector r1 = FloatVector.fromArray(FLOATS, rescale, LENGTH);
        FloatVector x00 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        FloatVector x01 = FloatVector.fromArray(FLOATS, o, at + LENGTH).mul(r1);
        FloatVector x10 = FloatVector.fromArray(FLOATS, o, at + 2 * LENGTH).mul(r0);
        FloatVector x11 = FloatVector.fromArray(FLOATS, o, at + 3 * LENGTH).mul(r1);
        FloatVector x20 = FloatVector.fromArray(FLOATS, o, at + 4 * LENGTH).mul(r0);
        FloatVector x21 = FloatVector.fromArray(FLOATS, o, at + 5 * LENGTH).mul(r1);
        FloatVector x30 = FloatVector.fromArray(FLOATS, o, at + 6 * LENGTH).mul(r0);
        FloatVector x31 = FloatVector.fromArray(FLOATS, o, at + 7 * LENGTH).mul(r1);
        FloatVector x40 = FloatVector.fromArray(FLOATS, o, at + 8 * LENGTH).mul(r0);
        FloatVector x41 = FloatVector.fromArray(FLOATS, o, at + 9 * LENGTH).mul(r1);
        int end = keys * PITCH;
        for (int row = 0; row < end; row += PITCH) {
            int x = v0 + row * (VALUE_PITCH / PITCH);
            FloatVector p0 = FloatVector.fromArray(FLOATS, p, row);
            FloatVector p1 = FloatVector.fromArray(FLOATS, p, row + LENGTH);
            FloatVector b = FloatVector.broadcast(FLOATS, v[x]);
            x00 = b.fma(p0, x00);
            x01 = b.fma(p1, x01);
            b = FloatVector.broadcast(FLOATS, v[x + 1]);
            x10 = b.fma(p0, x10);
            x11 = b.fma(p1, x11);
            b = FloatVector.broadcast(FLOATS, v[x + 2]);
            x20 = b.fma(p0, x20);
            x21 = b.fma(p1, x21);
            b = FloatVector.broadcast(FLOATS, v[x + 3]);
            x30 = b.fma(p0, x30);
            x31 = b.fma(p1, x31);
            b = FloatVector.broadcast(FLOATS, v[x + 4]);
            x40 = b.fma(p0, x40);
            x41 = b.fma(p1, x41);
        }
        x00.intoArray(o, at);
        x01.intoArray(o, at + LENGTH);
        x10.intoArray(o, at + 2 * LENGTH);
        x11.intoArray(o, at + 3 * LENGTH);
        x20.intoArray(o, at + 4 * LENGTH);
        x21.intoArray(o, at + 5 * LENGTH);
        x30.intoArray(o, at + 6 * LENGTH);
        x31.intoArray(o, at + 7 * LENGTH);
        x40.intoArray(o, at + 8 * LENGTH);
        x41.intoArray(o, at + 9 * LENGTH);
    }

    private static void values4(float[] v, int v0, int keys, float[] p, float[] rescale, float[] o, int at) {
        FloatVector r0 = FloatVector.fromArray(FLOATS, rescale, 0);
        FloatVector r1 = FloatVector.fromArray(FLOATS, rescale, LENGTH);
        FloatVector x00 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        FloatVector x01 = FloatVector.fromArray(FLOATS, o, at + LENGTH).mul(r1);
        FloatVector x10 = FloatVector.fromArray(FLOATS, o, at + 2 * LENGTH).mul(r0);
        FloatVector x11 = FloatVector.fromArray(FLOATS, o, at + 3 * LENGTH).mul(r1);
        FloatVector x20 = FloatVector.fromArray(FLOATS, o, at + 4 * LENGTH).mul(r0);
        FloatVector x21 = FloatVector.fromArray(FLOATS, o, at + 5 * LENGTH).mul(r1);
        FloatVector x30 = FloatVector.fromArray(FLOATS, o, at + 6 * LENGTH).mul(r0);
        FloatVector x31 = FloatVector.fromArray(FLOATS, o, at + 7 * LENGTH).mul(r1);
        int end = keys * PITCH;
        for (int row = 0; row < end; row += PITCH) {
            int x = v0 + row * (VALUE_PITCH / PITCH);
            FloatVector p0 = FloatVector.fromArray(FLOATS, p, row);
            FloatVector p1 = FloatVector.fromArray(FLOATS, p, row + LENGTH);
            FloatVector b = FloatVector.broadcast(FLOATS, v[x]);
            x00 = b.fma(p0, x00);
            x01 = b.fma(p1, x01);
            b = FloatVector.broadcast(FLOATS, v[x + 1]);
            x10 = b.fma(p0, x10);
            x11 = b.fma(p1, x11);
            b = FloatVector.broadcast(FLOATS, v[x + 2]);
            x20 = b.fma(p0, x20);
            x21 = b.fma(p1, x21);
            b = FloatVector.broadcast(FLOATS, v[x + 3]);
            x30 = b.fma(p0, x30);
            x31 = b.fma(p1, x31);
        }
        x00.intoArray(o, at);
        x01.intoArray(o, at + LENGTH);
        x10.intoArray(o, at + 2 * LENGTH);
        x11.intoArray(o, at + 3 * LENGTH);
        x20.intoArray(o, at + 4 * LENGTH);
        x21.intoArray(o, at + 5 * LENGTH);
        x30.intoArray(o, at + 6 * LENGTH);
        x31.intoArray(o, at + 7 * LENGTH);
    }

    private static void valuesAtPitch(
            float[] v, int v0, int pitch, int keys, float[] p, float[] rescale, float[] o, int at) {
        FloatVector r0 = FloatVector.fromArray(FLOATS, rescale, 0);
        FloatVector r1 = FloatVector.fromArray(FLOATS, rescale, LENGTH);
        FloatVector x00 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        FloatVector x01 = FloatVector.fromArray(FLOATS, o, at + LENGTH).mul(r1);
        FloatVector x10 = FloatVector.fromArray(FLOATS, o, at + 2 * LENGTH).mul(r0);
        FloatVector x11 = FloatVector.fromArray(FLOATS, o, at + 3 * LENGTH).mul(r1);
        FloatVector x20 = FloatVector.fromArray(FLOATS, o, at + 4 * LENGTH).mul(r0);
        FloatVector x21 = FloatVector.fromArray(FLOATS, o, at + 5 * LENGTH).mul(r1);
        FloatVector x30 = FloatVector.fromArray(FLOATS, o, at + 6 * LENGTH).mul(r0);
        FloatVector x31 = FloatVector.fromArray(FLOATS, o, at + 7 * LENGTH).mul(r1);
        int end = keys * PITCH;
        for (int row = 0, x = v0; row < end; row += PITCH, x += pitch) {
            FloatVector p0 = FloatVector.fromArray(FLOATS, p, row);
            FloatVector p1 = FloatVector.fromArray(FLOATS, p, row + LENGTH);
            FloatVector b = FloatVector.broadcast(FLOATS, v[x]);
            x00 = b.fma(p0, x00);
            x01 = b.fma(p1, x01);
            b = FloatVector.broadcast(FLOATS, v[x + 1]);
            x10 = b.fma(p0, x10);
            x11 = b.fma(p1, x11);
            b = FloatVector.broadcast(FLOATS, v[x + 2]);
            x20 = b.fma(p0, x20);
            x21 = b.fma(p1, x21);
            b = FloatVector.broadcast(FLOATS, v[x + 3]);
            x30 = b.fma(p0, x30);
            x31 = b.fma(p1, x31);
        }
        x00.intoArray(o, at);
        x01.intoArray(o, at + LENGTH);
        x10.intoArray(o, at + 2 * LENGTH);
        x11.intoArray(o, at + 3 * LENGTH);
        x20.intoArray(o, at + 4 * LENGTH);
        x21.intoArray(o, at + 5 * LENGTH);
        x30.intoArray(o, at + 6 * LENGTH);
        x31.intoArray(o, at + 7 * LENGTH);
    }

    @Override
    void exponentiate(float[] s, int keys, float[] max, float[] sum, float[] rescale) {
        column(s, 0, keys, max, sum, rescale);
        column(s, LENGTH, keys, max, sum, rescale);
    }

    private static void column(float[] s, int x, int keys, float[] max, float[] sum, float[] rescale) {
        FloatVector c6 = FloatVector.broadcast(FLOATS, Exponential.C6);
        FloatVector c5 = FloatVector.broadcast(FLOATS, Exponential.C5);
        FloatVector c4 = FloatVector.broadcast(FLOATS, Exponential.C4);
        FloatVector c3 = FloatVector.broadcast(FLOATS, Exponential.C3);
        FloatVector c2 = FloatVector.broadcast(FLOATS, Exponential.C2);
        FloatVector c1 = FloatVector.broadcast(FLOATS, Exponential.C1);
        FloatVector c0 = FloatVector.broadcast(FLOATS, 1f);
        FloatVector m = FloatVector.fromArray(FLOATS, max, x);
        m = m.blend(0f, m.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        FloatVector all = FloatVector.zero(FLOATS);
        for (int j = 0; j < keys; j += 2) {
            int at = x + j * PITCH;
            FloatVector t = FloatVector.fromArray(FLOATS, s, at).sub(m);
            FloatVector z = t.add(Exponential.ROUND);
            FloatVector y = t.sub(z.sub(Exponential.ROUND));
            FloatVector a = y.mul(y);
            FloatVector p =
                    c6.fma(y, c5).fma(a, c4.fma(y, c3)).fma(a, c2.fma(y, c1)).fma(y, c0);
            p = p.mul(z.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p = p.blend(0f, t.compare(VectorOperators.LT, -126f));
            FloatVector u = FloatVector.fromArray(FLOATS, s, at + PITCH).sub(m);
            FloatVector w = u.add(Exponential.ROUND);
            FloatVector v = u.sub(w.sub(Exponential.ROUND));
            FloatVector b = v.mul(v);
            FloatVector r =
                    c6.fma(v, c5).fma(b, c4.fma(v, c3)).fma(b, c2.fma(v, c1)).fma(v, c0);
            r = r.mul(w.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            r = r.blend(0f, u.compare(VectorOperators.LT, -126f));
            p.intoArray(s, at);
            r.intoArray(s, at + PITCH);
            all = all.add(p).add(r);
        }
        FloatVector.fromArray(FLOATS, sum, x)
                .mul(FloatVector.fromArray(FLOATS, rescale, x))
                .add(all)
                .intoArray(sum, x);
    }

    @Override
    void exponentiateNatural(float[] s, int keys, float[] max, float[] sum, float[] rescale) {
        columnNatural(s, 0, keys, max, sum, rescale);
        columnNatural(s, LENGTH, keys, max, sum, rescale);
    }

    private static void columnNatural(float[] s, int x, int keys, float[] max, float[] sum, float[] rescale) {
        FloatVector c6 = FloatVector.broadcast(FLOATS, Exponential.C6);
        FloatVector c5 = FloatVector.broadcast(FLOATS, Exponential.C5);
        FloatVector c4 = FloatVector.broadcast(FLOATS, Exponential.C4);
        FloatVector c3 = FloatVector.broadcast(FLOATS, Exponential.C3);
        FloatVector c2 = FloatVector.broadcast(FLOATS, Exponential.C2);
        FloatVector c1 = FloatVector.broadcast(FLOATS, Exponential.C1);
        FloatVector c0 = FloatVector.broadcast(FLOATS, 1f);
        FloatVector m = FloatVector.fromArray(FLOATS, max, x);
        m = m.blend(0f, m.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        FloatVector all = FloatVector.zero(FLOATS);
        for (int j = 0; j < keys; j += 2) {
            int at = x + j * PITCH;
            FloatVector t = FloatVector.fromArray(FLOATS, s, at).sub(m).mul(Exponential.LOG2E);
            FloatVector z = t.add(Exponential.ROUND);
            FloatVector y = t.sub(z.sub(Exponential.ROUND));
            FloatVector a = y.mul(y);
            FloatVector p =
                    c6.fma(y, c5).fma(a, c4.fma(y, c3)).fma(a, c2.fma(y, c1)).fma(y, c0);
            p = p.mul(z.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p = p.blend(0f, t.compare(VectorOperators.LT, -126f));
            FloatVector u = FloatVector.fromArray(FLOATS, s, at + PITCH).sub(m).mul(Exponential.LOG2E);
            FloatVector w = u.add(Exponential.ROUND);
            FloatVector v = u.sub(w.sub(Exponential.ROUND));
            FloatVector b = v.mul(v);
            FloatVector r =
                    c6.fma(v, c5).fma(b, c4.fma(v, c3)).fma(b, c2.fma(v, c1)).fma(v, c0);
            r = r.mul(w.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            r = r.blend(0f, u.compare(VectorOperators.LT, -126f));
            p.intoArray(s, at);
            r.intoArray(s, at + PITCH);
            all = all.add(p).add(r);
        }
        FloatVector.fromArray(FLOATS, sum, x)
                .mul(FloatVector.fromArray(FLOATS, rescale, x))
                .add(all)
                .intoArray(sum, x);
    }
}
