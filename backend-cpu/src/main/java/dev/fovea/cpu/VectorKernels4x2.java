package dev.fovea.cpu;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products in register blocks of 4 keys or channels by 2 vectors of queries: for 16 vector registers. Three vectors would need all of
 * them, and what is spilled may lie across cache lines.
 *
 * <p>The blocks are written out since only local variables stay in registers, and they are methods of their own since the compiler
 * spoils their loops when it inlines them. Their loops step by a variable: of a loop that it can count the compiler makes three, which
 * at 64 steps cost a tenth.
 */
final class VectorKernels4x2 extends VectorKernels {
    private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
    private static final int LENGTH = Species.LENGTH;
    private static final int BLOCK = 4;

    /** A constant, unlike in the products: with it the loops of the softmax lose their range checks, a third of their time. */
    private static final int PITCH = 2 * LENGTH;

    VectorKernels4x2() {
        super(2);
    }

    @Override
    int block() {
        return BLOCK;
    }

    @Override
    public void scores(float[] k, int k0, int keys, int dim, float[] qt, float[] s, float[] top) {
        int pitch = lanes();
        Arrays.fill(top, 0, pitch, Float.NEGATIVE_INFINITY);
        for (int j = 0; j < keys; j += BLOCK) {
            scoreBlock(k, k0 + j * dim, dim, qt, pitch, s, j * pitch, top);
        }
    }

    @Override
    public void accumulate(float[] v, int v0, int keys, int channels, float[] s, float[] rescale, float[] o) {
        int pitch = lanes();
        for (int d = 0; d < channels; d += BLOCK) {
            valueBlock(v, v0 + d, channels, s, keys, pitch, rescale, o, d * pitch);
        }
    }

    private static void scoreBlock(float[] k, int k0, int dim, float[] qt, int pitch, float[] s, int at, float[] top) {
        int k1 = k0 + dim;
        int k2 = k1 + dim;
        int k3 = k2 + dim;
        FloatVector x00 = FloatVector.zero(FLOATS);
        FloatVector x01 = FloatVector.zero(FLOATS);
        FloatVector x10 = FloatVector.zero(FLOATS);
        FloatVector x11 = FloatVector.zero(FLOATS);
        FloatVector x20 = FloatVector.zero(FLOATS);
        FloatVector x21 = FloatVector.zero(FLOATS);
        FloatVector x30 = FloatVector.zero(FLOATS);
        FloatVector x31 = FloatVector.zero(FLOATS);
        int end = dim * pitch;
        for (int d = 0, q = 0; q < end; d++, q += pitch) {
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
        at += pitch;
        x10.intoArray(s, at);
        x11.intoArray(s, at + LENGTH);
        at += pitch;
        x20.intoArray(s, at);
        x21.intoArray(s, at + LENGTH);
        at += pitch;
        x30.intoArray(s, at);
        x31.intoArray(s, at + LENGTH);
        x00 = x00.blend(x10, x10.compare(VectorOperators.GT, x00));
        x01 = x01.blend(x11, x11.compare(VectorOperators.GT, x01));
        x20 = x20.blend(x30, x30.compare(VectorOperators.GT, x20));
        x21 = x21.blend(x31, x31.compare(VectorOperators.GT, x21));
        x00 = x00.blend(x20, x20.compare(VectorOperators.GT, x00));
        x01 = x01.blend(x21, x21.compare(VectorOperators.GT, x01));
        FloatVector t0 = FloatVector.fromArray(FLOATS, top, 0);
        FloatVector t1 = FloatVector.fromArray(FLOATS, top, LENGTH);
        t0.blend(x00, x00.compare(VectorOperators.GT, t0)).intoArray(top, 0);
        t1.blend(x01, x01.compare(VectorOperators.GT, t1)).intoArray(top, LENGTH);
    }

    private static void valueBlock(
            float[] v, int v0, int channels, float[] p, int keys, int pitch, float[] rescale, float[] o, int o0) {
        FloatVector r0 = FloatVector.fromArray(FLOATS, rescale, 0);
        FloatVector r1 = FloatVector.fromArray(FLOATS, rescale, LENGTH);
        int at = o0;
        FloatVector x00 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        FloatVector x01 = FloatVector.fromArray(FLOATS, o, at + LENGTH).mul(r1);
        at += pitch;
        FloatVector x10 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        FloatVector x11 = FloatVector.fromArray(FLOATS, o, at + LENGTH).mul(r1);
        at += pitch;
        FloatVector x20 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        FloatVector x21 = FloatVector.fromArray(FLOATS, o, at + LENGTH).mul(r1);
        at += pitch;
        FloatVector x30 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        FloatVector x31 = FloatVector.fromArray(FLOATS, o, at + LENGTH).mul(r1);
        int end = keys * pitch;
        for (int row = 0, x = v0; row < end; row += pitch, x += channels) {
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
        at = o0 + 3 * pitch; // from the end: the places of above would be kept through the loop, and others spilled
        x30.intoArray(o, at);
        x31.intoArray(o, at + LENGTH);
        at -= pitch;
        x20.intoArray(o, at);
        x21.intoArray(o, at + LENGTH);
        at -= pitch;
        x10.intoArray(o, at);
        x11.intoArray(o, at + LENGTH);
        at -= pitch;
        x00.intoArray(o, at);
        x01.intoArray(o, at + LENGTH);
    }

    @Override
    void exponentiate(float[] s, int x, int keys, float[] max, float[] sum, float[] rescale) {
        FloatVector c6 = FloatVector.broadcast(FLOATS, Exponential.C6);
        FloatVector c5 = FloatVector.broadcast(FLOATS, Exponential.C5);
        FloatVector c4 = FloatVector.broadcast(FLOATS, Exponential.C4);
        FloatVector c3 = FloatVector.broadcast(FLOATS, Exponential.C3);
        FloatVector c2 = FloatVector.broadcast(FLOATS, Exponential.C2);
        FloatVector c1 = FloatVector.broadcast(FLOATS, Exponential.C1);
        FloatVector c0 = FloatVector.broadcast(FLOATS, 1f);
        FloatVector m = FloatVector.fromArray(FLOATS, max, x);
        m = m.blend(0f, m.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        FloatVector even = FloatVector.fromArray(FLOATS, sum, x).mul(FloatVector.fromArray(FLOATS, rescale, x));
        FloatVector odd = FloatVector.zero(FLOATS);
        for (int j = 0; j < keys; j += 2) {
            int at = x + j * PITCH;
            FloatVector t = FloatVector.fromArray(FLOATS, s, at).sub(m);
            FloatVector z = t.add(Exponential.ROUND);
            FloatVector y = t.sub(z.sub(Exponential.ROUND));
            FloatVector p =
                    c6.fma(y, c5).fma(y, c4).fma(y, c3).fma(y, c2).fma(y, c1).fma(y, c0);
            p = p.mul(z.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p = p.blend(0f, t.compare(VectorOperators.LT, -126f));
            FloatVector u = FloatVector.fromArray(FLOATS, s, at + PITCH).sub(m);
            FloatVector w = u.add(Exponential.ROUND);
            FloatVector v = u.sub(w.sub(Exponential.ROUND));
            FloatVector r =
                    c6.fma(v, c5).fma(v, c4).fma(v, c3).fma(v, c2).fma(v, c1).fma(v, c0);
            r = r.mul(w.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            r = r.blend(0f, u.compare(VectorOperators.LT, -126f));
            p.intoArray(s, at);
            r.intoArray(s, at + PITCH);
            even = even.add(p);
            odd = odd.add(r);
        }
        even.add(odd).intoArray(sum, x);
    }

    @Override
    void exponentiateNatural(float[] s, int x, int keys, float[] max, float[] sum, float[] rescale) {
        FloatVector c6 = FloatVector.broadcast(FLOATS, Exponential.C6);
        FloatVector c5 = FloatVector.broadcast(FLOATS, Exponential.C5);
        FloatVector c4 = FloatVector.broadcast(FLOATS, Exponential.C4);
        FloatVector c3 = FloatVector.broadcast(FLOATS, Exponential.C3);
        FloatVector c2 = FloatVector.broadcast(FLOATS, Exponential.C2);
        FloatVector c1 = FloatVector.broadcast(FLOATS, Exponential.C1);
        FloatVector c0 = FloatVector.broadcast(FLOATS, 1f);
        FloatVector m = FloatVector.fromArray(FLOATS, max, x);
        m = m.blend(0f, m.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        FloatVector even = FloatVector.fromArray(FLOATS, sum, x).mul(FloatVector.fromArray(FLOATS, rescale, x));
        FloatVector odd = FloatVector.zero(FLOATS);
        for (int j = 0; j < keys; j += 2) {
            int at = x + j * PITCH;
            FloatVector t = FloatVector.fromArray(FLOATS, s, at).sub(m).mul(Exponential.LOG2E);
            FloatVector z = t.add(Exponential.ROUND);
            FloatVector y = t.sub(z.sub(Exponential.ROUND));
            FloatVector p =
                    c6.fma(y, c5).fma(y, c4).fma(y, c3).fma(y, c2).fma(y, c1).fma(y, c0);
            p = p.mul(z.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p = p.blend(0f, t.compare(VectorOperators.LT, -126f));
            FloatVector u = FloatVector.fromArray(FLOATS, s, at + PITCH).sub(m).mul(Exponential.LOG2E);
            FloatVector w = u.add(Exponential.ROUND);
            FloatVector v = u.sub(w.sub(Exponential.ROUND));
            FloatVector r =
                    c6.fma(v, c5).fma(v, c4).fma(v, c3).fma(v, c2).fma(v, c1).fma(v, c0);
            r = r.mul(w.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            r = r.blend(0f, u.compare(VectorOperators.LT, -126f));
            p.intoArray(s, at);
            r.intoArray(s, at + PITCH);
            even = even.add(p);
            odd = odd.add(r);
        }
        even.add(odd).intoArray(sum, x);
    }
}
