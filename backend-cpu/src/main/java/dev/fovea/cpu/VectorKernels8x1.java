package dev.fovea.cpu;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products in register blocks of 8 keys or channels by 1 vector of queries: for few queries.
 *
 * <p>The blocks are written out since only local variables stay in registers, and they are methods of their own since the compiler
 * spoils their loops when it inlines them. Their loops step by a variable: of a loop that it can count the compiler makes three, which
 * at 64 steps cost a tenth.
 */
final class VectorKernels8x1 extends VectorKernels {
    private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
    private static final int LENGTH = Species.LENGTH;
    private static final int BLOCK = 8;

    /** A constant, unlike in the products: with it the loops of the softmax lose their range checks, a third of their time. */
    private static final int PITCH = LENGTH;

    VectorKernels8x1() {
        super(1);
    }

    @Override
    int block() {
        return BLOCK;
    }

    @Override
    public void scores(float[] k, int k0, int keys, int keyPitch, int dim, float[] qt, float[] s, float[] top) {
        int pitch = lanes();
        Arrays.fill(top, 0, pitch, Float.NEGATIVE_INFINITY);
        for (int j = 0; j < keys; j += BLOCK) {
            scoreBlock(k, k0 + j * keyPitch, keyPitch, dim, qt, pitch, s, j * pitch, top);
        }
    }

    @Override
    public void accumulate(
            float[] v, int v0, int keys, int valuePitch, int channels, float[] s, float[] rescale, float[] o) {
        int pitch = lanes();
        for (int d = 0; d < channels; d += BLOCK) {
            valueBlock(v, v0 + d, valuePitch, s, keys, pitch, rescale, o, d * pitch);
        }
    }

    private static void scoreBlock(
            float[] k, int k0, int step, int dim, float[] qt, int pitch, float[] s, int at, float[] top) {
        int k1 = k0 + step;
        int k2 = k1 + step;
        int k3 = k2 + step;
        int k4 = k3 + step;
        int k5 = k4 + step;
        int k6 = k5 + step;
        int k7 = k6 + step;
        FloatVector x00 = FloatVector.zero(FLOATS);
        FloatVector x10 = FloatVector.zero(FLOATS);
        FloatVector x20 = FloatVector.zero(FLOATS);
        FloatVector x30 = FloatVector.zero(FLOATS);
        FloatVector x40 = FloatVector.zero(FLOATS);
        FloatVector x50 = FloatVector.zero(FLOATS);
        FloatVector x60 = FloatVector.zero(FLOATS);
        FloatVector x70 = FloatVector.zero(FLOATS);
        int end = dim * pitch;
        for (int d = 0, q = 0; q < end; d++, q += pitch) {
            FloatVector q0 = FloatVector.fromArray(FLOATS, qt, q);
            FloatVector b = FloatVector.broadcast(FLOATS, k[k0 + d]);
            x00 = b.fma(q0, x00);
            b = FloatVector.broadcast(FLOATS, k[k1 + d]);
            x10 = b.fma(q0, x10);
            b = FloatVector.broadcast(FLOATS, k[k2 + d]);
            x20 = b.fma(q0, x20);
            b = FloatVector.broadcast(FLOATS, k[k3 + d]);
            x30 = b.fma(q0, x30);
            b = FloatVector.broadcast(FLOATS, k[k4 + d]);
            x40 = b.fma(q0, x40);
            b = FloatVector.broadcast(FLOATS, k[k5 + d]);
            x50 = b.fma(q0, x50);
            b = FloatVector.broadcast(FLOATS, k[k6 + d]);
            x60 = b.fma(q0, x60);
            b = FloatVector.broadcast(FLOATS, k[k7 + d]);
            x70 = b.fma(q0, x70);
        }
        x00.intoArray(s, at);
        at += pitch;
        x10.intoArray(s, at);
        at += pitch;
        x20.intoArray(s, at);
        at += pitch;
        x30.intoArray(s, at);
        at += pitch;
        x40.intoArray(s, at);
        at += pitch;
        x50.intoArray(s, at);
        at += pitch;
        x60.intoArray(s, at);
        at += pitch;
        x70.intoArray(s, at);
        x00 = x00.blend(x10, x10.compare(VectorOperators.GT, x00));
        x20 = x20.blend(x30, x30.compare(VectorOperators.GT, x20));
        x40 = x40.blend(x50, x50.compare(VectorOperators.GT, x40));
        x60 = x60.blend(x70, x70.compare(VectorOperators.GT, x60));
        x00 = x00.blend(x20, x20.compare(VectorOperators.GT, x00));
        x40 = x40.blend(x60, x60.compare(VectorOperators.GT, x40));
        x00 = x00.blend(x40, x40.compare(VectorOperators.GT, x00));
        FloatVector t0 = FloatVector.fromArray(FLOATS, top, 0);
        t0.blend(x00, x00.compare(VectorOperators.GT, t0)).intoArray(top, 0);
    }

    private static void valueBlock(
            float[] v, int v0, int step, float[] p, int keys, int pitch, float[] rescale, float[] o, int o0) {
        FloatVector r0 = FloatVector.fromArray(FLOATS, rescale, 0);
        int at = o0;
        FloatVector x00 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        at += pitch;
        FloatVector x10 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        at += pitch;
        FloatVector x20 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        at += pitch;
        FloatVector x30 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        at += pitch;
        FloatVector x40 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        at += pitch;
        FloatVector x50 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        at += pitch;
        FloatVector x60 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        at += pitch;
        FloatVector x70 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        int end = keys * pitch;
        for (int row = 0, x = v0; row < end; row += pitch, x += step) {
            FloatVector p0 = FloatVector.fromArray(FLOATS, p, row);
            FloatVector b = FloatVector.broadcast(FLOATS, v[x]);
            x00 = b.fma(p0, x00);
            b = FloatVector.broadcast(FLOATS, v[x + 1]);
            x10 = b.fma(p0, x10);
            b = FloatVector.broadcast(FLOATS, v[x + 2]);
            x20 = b.fma(p0, x20);
            b = FloatVector.broadcast(FLOATS, v[x + 3]);
            x30 = b.fma(p0, x30);
            b = FloatVector.broadcast(FLOATS, v[x + 4]);
            x40 = b.fma(p0, x40);
            b = FloatVector.broadcast(FLOATS, v[x + 5]);
            x50 = b.fma(p0, x50);
            b = FloatVector.broadcast(FLOATS, v[x + 6]);
            x60 = b.fma(p0, x60);
            b = FloatVector.broadcast(FLOATS, v[x + 7]);
            x70 = b.fma(p0, x70);
        }
        at = o0 + 7 * pitch; // from the end: the places of above would be kept through the loop, and others spilled
        x70.intoArray(o, at);
        at -= pitch;
        x60.intoArray(o, at);
        at -= pitch;
        x50.intoArray(o, at);
        at -= pitch;
        x40.intoArray(o, at);
        at -= pitch;
        x30.intoArray(o, at);
        at -= pitch;
        x20.intoArray(o, at);
        at -= pitch;
        x10.intoArray(o, at);
        at -= pitch;
        x00.intoArray(o, at);
    }

    @Override
    void exponentiate(float[] s, int keys, float[] max, float[] sum, float[] rescale) {
        FloatVector c6 = FloatVector.broadcast(FLOATS, Exponential.C6);
        FloatVector c5 = FloatVector.broadcast(FLOATS, Exponential.C5);
        FloatVector c4 = FloatVector.broadcast(FLOATS, Exponential.C4);
        FloatVector c3 = FloatVector.broadcast(FLOATS, Exponential.C3);
        FloatVector c2 = FloatVector.broadcast(FLOATS, Exponential.C2);
        FloatVector c1 = FloatVector.broadcast(FLOATS, Exponential.C1);
        FloatVector c0 = FloatVector.broadcast(FLOATS, 1f);
        FloatVector m = FloatVector.fromArray(FLOATS, max, 0);
        m = m.blend(0f, m.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        FloatVector all = FloatVector.zero(FLOATS);
        for (int j = 0; j < keys; j += 2) {
            int at = j * PITCH;
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
        FloatVector.fromArray(FLOATS, sum, 0)
                .mul(FloatVector.fromArray(FLOATS, rescale, 0))
                .add(all)
                .intoArray(sum, 0);
    }

    @Override
    void exponentiateNatural(float[] s, int keys, float[] max, float[] sum, float[] rescale) {
        FloatVector c6 = FloatVector.broadcast(FLOATS, Exponential.C6);
        FloatVector c5 = FloatVector.broadcast(FLOATS, Exponential.C5);
        FloatVector c4 = FloatVector.broadcast(FLOATS, Exponential.C4);
        FloatVector c3 = FloatVector.broadcast(FLOATS, Exponential.C3);
        FloatVector c2 = FloatVector.broadcast(FLOATS, Exponential.C2);
        FloatVector c1 = FloatVector.broadcast(FLOATS, Exponential.C1);
        FloatVector c0 = FloatVector.broadcast(FLOATS, 1f);
        FloatVector m = FloatVector.fromArray(FLOATS, max, 0);
        m = m.blend(0f, m.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        FloatVector all = FloatVector.zero(FLOATS);
        for (int j = 0; j < keys; j += 2) {
            int at = j * PITCH;
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
        FloatVector.fromArray(FLOATS, sum, 0)
                .mul(FloatVector.fromArray(FLOATS, rescale, 0))
                .add(all)
                .intoArray(sum, 0);
    }
}
