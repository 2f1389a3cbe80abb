package dev.fovea.cpu;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products in register blocks of 8 keys or channels by 3 vectors of queries: for 32 vector registers and rows that would leave a
 * vector of the larger tile idle.
 *
 * <p>The blocks are written out since only local variables stay in registers, and they are methods of their own since the compiler
 * spoils their loops when it inlines them. Their loops step by a variable: of a loop that it can count the compiler makes three, which
 * at 64 steps cost a tenth.
 */
final class VectorKernels8x3 extends VectorKernels {
    private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
    private static final int LENGTH = Species.LENGTH;
    private static final int BLOCK = 8;

    VectorKernels8x3() {
        super(3);
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
        FloatVector x01 = FloatVector.zero(FLOATS);
        FloatVector x02 = FloatVector.zero(FLOATS);
        FloatVector x10 = FloatVector.zero(FLOATS);
        FloatVector x11 = FloatVector.zero(FLOATS);
        FloatVector x12 = FloatVector.zero(FLOATS);
        FloatVector x20 = FloatVector.zero(FLOATS);
        FloatVector x21 = FloatVector.zero(FLOATS);
        FloatVector x22 = FloatVector.zero(FLOATS);
        FloatVector x30 = FloatVector.zero(FLOATS);
        FloatVector x31 = FloatVector.zero(FLOATS);
        FloatVector x32 = FloatVector.zero(FLOATS);
        FloatVector x40 = FloatVector.zero(FLOATS);
        FloatVector x41 = FloatVector.zero(FLOATS);
        FloatVector x42 = FloatVector.zero(FLOATS);
        FloatVector x50 = FloatVector.zero(FLOATS);
        FloatVector x51 = FloatVector.zero(FLOATS);
        FloatVector x52 = FloatVector.zero(FLOATS);
        FloatVector x60 = FloatVector.zero(FLOATS);
        FloatVector x61 = FloatVector.zero(FLOATS);
        FloatVector x62 = FloatVector.zero(FLOATS);
        FloatVector x70 = FloatVector.zero(FLOATS);
        FloatVector x71 = FloatVector.zero(FLOATS);
        FloatVector x72 = FloatVector.zero(FLOATS);
        int end = dim * pitch;
        for (int d = 0, q = 0; q < end; d++, q += pitch) {
            FloatVector q0 = FloatVector.fromArray(FLOATS, qt, q);
            FloatVector q1 = FloatVector.fromArray(FLOATS, qt, q + LENGTH);
            FloatVector q2 = FloatVector.fromArray(FLOATS, qt, q + 2 * LENGTH);
            FloatVector b = FloatVector.broadcast(FLOATS, k[k0 + d]);
            x00 = b.fma(q0, x00);
            x01 = b.fma(q1, x01);
            x02 = b.fma(q2, x02);
            b = FloatVector.broadcast(FLOATS, k[k1 + d]);
            x10 = b.fma(q0, x10);
            x11 = b.fma(q1, x11);
            x12 = b.fma(q2, x12);
            b = FloatVector.broadcast(FLOATS, k[k2 + d]);
            x20 = b.fma(q0, x20);
            x21 = b.fma(q1, x21);
            x22 = b.fma(q2, x22);
            b = FloatVector.broadcast(FLOATS, k[k3 + d]);
            x30 = b.fma(q0, x30);
            x31 = b.fma(q1, x31);
            x32 = b.fma(q2, x32);
            b = FloatVector.broadcast(FLOATS, k[k4 + d]);
            x40 = b.fma(q0, x40);
            x41 = b.fma(q1, x41);
            x42 = b.fma(q2, x42);
            b = FloatVector.broadcast(FLOATS, k[k5 + d]);
            x50 = b.fma(q0, x50);
            x51 = b.fma(q1, x51);
            x52 = b.fma(q2, x52);
            b = FloatVector.broadcast(FLOATS, k[k6 + d]);
            x60 = b.fma(q0, x60);
            x61 = b.fma(q1, x61);
            x62 = b.fma(q2, x62);
            b = FloatVector.broadcast(FLOATS, k[k7 + d]);
            x70 = b.fma(q0, x70);
            x71 = b.fma(q1, x71);
            x72 = b.fma(q2, x72);
        }
        x00.intoArray(s, at);
        x01.intoArray(s, at + LENGTH);
        x02.intoArray(s, at + 2 * LENGTH);
        at += pitch;
        x10.intoArray(s, at);
        x11.intoArray(s, at + LENGTH);
        x12.intoArray(s, at + 2 * LENGTH);
        at += pitch;
        x20.intoArray(s, at);
        x21.intoArray(s, at + LENGTH);
        x22.intoArray(s, at + 2 * LENGTH);
        at += pitch;
        x30.intoArray(s, at);
        x31.intoArray(s, at + LENGTH);
        x32.intoArray(s, at + 2 * LENGTH);
        at += pitch;
        x40.intoArray(s, at);
        x41.intoArray(s, at + LENGTH);
        x42.intoArray(s, at + 2 * LENGTH);
        at += pitch;
        x50.intoArray(s, at);
        x51.intoArray(s, at + LENGTH);
        x52.intoArray(s, at + 2 * LENGTH);
        at += pitch;
        x60.intoArray(s, at);
        x61.intoArray(s, at + LENGTH);
        x62.intoArray(s, at + 2 * LENGTH);
        at += pitch;
        x70.intoArray(s, at);
        x71.intoArray(s, at + LENGTH);
        x72.intoArray(s, at + 2 * LENGTH);
        x00 = x00.blend(x10, x10.compare(VectorOperators.GT, x00));
        x01 = x01.blend(x11, x11.compare(VectorOperators.GT, x01));
        x02 = x02.blend(x12, x12.compare(VectorOperators.GT, x02));
        x20 = x20.blend(x30, x30.compare(VectorOperators.GT, x20));
        x21 = x21.blend(x31, x31.compare(VectorOperators.GT, x21));
        x22 = x22.blend(x32, x32.compare(VectorOperators.GT, x22));
        x40 = x40.blend(x50, x50.compare(VectorOperators.GT, x40));
        x41 = x41.blend(x51, x51.compare(VectorOperators.GT, x41));
        x42 = x42.blend(x52, x52.compare(VectorOperators.GT, x42));
        x60 = x60.blend(x70, x70.compare(VectorOperators.GT, x60));
        x61 = x61.blend(x71, x71.compare(VectorOperators.GT, x61));
        x62 = x62.blend(x72, x72.compare(VectorOperators.GT, x62));
        x00 = x00.blend(x20, x20.compare(VectorOperators.GT, x00));
        x01 = x01.blend(x21, x21.compare(VectorOperators.GT, x01));
        x02 = x02.blend(x22, x22.compare(VectorOperators.GT, x02));
        x40 = x40.blend(x60, x60.compare(VectorOperators.GT, x40));
        x41 = x41.blend(x61, x61.compare(VectorOperators.GT, x41));
        x42 = x42.blend(x62, x62.compare(VectorOperators.GT, x42));
        x00 = x00.blend(x40, x40.compare(VectorOperators.GT, x00));
        x01 = x01.blend(x41, x41.compare(VectorOperators.GT, x01));
        x02 = x02.blend(x42, x42.compare(VectorOperators.GT, x02));
        FloatVector t0 = FloatVector.fromArray(FLOATS, top, 0);
        FloatVector t1 = FloatVector.fromArray(FLOATS, top, LENGTH);
        FloatVector t2 = FloatVector.fromArray(FLOATS, top, 2 * LENGTH);
        t0.blend(x00, x00.compare(VectorOperators.GT, t0)).intoArray(top, 0);
        t1.blend(x01, x01.compare(VectorOperators.GT, t1)).intoArray(top, LENGTH);
        t2.blend(x02, x02.compare(VectorOperators.GT, t2)).intoArray(top, 2 * LENGTH);
    }

    private static void valueBlock(
            float[] v, int v0, int step, float[] p, int keys, int pitch, float[] rescale, float[] o, int o0) {
        FloatVector r0 = FloatVector.fromArray(FLOATS, rescale, 0);
        FloatVector r1 = FloatVector.fromArray(FLOATS, rescale, LENGTH);
        FloatVector r2 = FloatVector.fromArray(FLOATS, rescale, 2 * LENGTH);
        int at = o0;
        FloatVector x00 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        FloatVector x01 = FloatVector.fromArray(FLOATS, o, at + LENGTH).mul(r1);
        FloatVector x02 = FloatVector.fromArray(FLOATS, o, at + 2 * LENGTH).mul(r2);
        at += pitch;
        FloatVector x10 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        FloatVector x11 = FloatVector.fromArray(FLOATS, o, at + LENGTH).mul(r1);
        FloatVector x12 = FloatVector.fromArray(FLOATS, o, at + 2 * LENGTH).mul(r2);
        at += pitch;
        FloatVector x20 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        FloatVector x21 = FloatVector.fromArray(FLOATS, o, at + LENGTH).mul(r1);
        FloatVector x22 = FloatVector.fromArray(FLOATS, o, at + 2 * LENGTH).mul(r2);
        at += pitch;
        FloatVector x30 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        FloatVector x31 = FloatVector.fromArray(FLOATS, o, at + LENGTH).mul(r1);
        FloatVector x32 = FloatVector.fromArray(FLOATS, o, at + 2 * LENGTH).mul(r2);
        at += pitch;
        FloatVector x40 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        FloatVector x41 = FloatVector.fromArray(FLOATS, o, at + LENGTH).mul(r1);
        FloatVector x42 = FloatVector.fromArray(FLOATS, o, at + 2 * LENGTH).mul(r2);
        at += pitch;
        FloatVector x50 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        FloatVector x51 = FloatVector.fromArray(FLOATS, o, at + LENGTH).mul(r1);
        FloatVector x52 = FloatVector.fromArray(FLOATS, o, at + 2 * LENGTH).mul(r2);
        at += pitch;
        FloatVector x60 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        FloatVector x61 = FloatVector.fromArray(FLOATS, o, at + LENGTH).mul(r1);
        FloatVector x62 = FloatVector.fromArray(FLOATS, o, at + 2 * LENGTH).mul(r2);
        at += pitch;
        FloatVector x70 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        FloatVector x71 = FloatVector.fromArray(FLOATS, o, at + LENGTH).mul(r1);
        FloatVector x72 = FloatVector.fromArray(FLOATS, o, at + 2 * LENGTH).mul(r2);
        int end = keys * pitch;
        for (int row = 0, x = v0; row < end; row += pitch, x += step) {
            FloatVector p0 = FloatVector.fromArray(FLOATS, p, row);
            FloatVector p1 = FloatVector.fromArray(FLOATS, p, row + LENGTH);
            FloatVector p2 = FloatVector.fromArray(FLOATS, p, row + 2 * LENGTH);
            FloatVector b = FloatVector.broadcast(FLOATS, v[x]);
            x00 = b.fma(p0, x00);
            x01 = b.fma(p1, x01);
            x02 = b.fma(p2, x02);
            b = FloatVector.broadcast(FLOATS, v[x + 1]);
            x10 = b.fma(p0, x10);
            x11 = b.fma(p1, x11);
            x12 = b.fma(p2, x12);
            b = FloatVector.broadcast(FLOATS, v[x + 2]);
            x20 = b.fma(p0, x20);
            x21 = b.fma(p1, x21);
            x22 = b.fma(p2, x22);
            b = FloatVector.broadcast(FLOATS, v[x + 3]);
            x30 = b.fma(p0, x30);
            x31 = b.fma(p1, x31);
            x32 = b.fma(p2, x32);
            b = FloatVector.broadcast(FLOATS, v[x + 4]);
            x40 = b.fma(p0, x40);
            x41 = b.fma(p1, x41);
            x42 = b.fma(p2, x42);
            b = FloatVector.broadcast(FLOATS, v[x + 5]);
            x50 = b.fma(p0, x50);
            x51 = b.fma(p1, x51);
            x52 = b.fma(p2, x52);
            b = FloatVector.broadcast(FLOATS, v[x + 6]);
            x60 = b.fma(p0, x60);
            x61 = b.fma(p1, x61);
            x62 = b.fma(p2, x62);
            b = FloatVector.broadcast(FLOATS, v[x + 7]);
            x70 = b.fma(p0, x70);
            x71 = b.fma(p1, x71);
            x72 = b.fma(p2, x72);
        }
        at = o0 + 7 * pitch; // from the end: the places of above would be kept through the loop, and others spilled
        x70.intoArray(o, at);
        x71.intoArray(o, at + LENGTH);
        x72.intoArray(o, at + 2 * LENGTH);
        at -= pitch;
        x60.intoArray(o, at);
        x61.intoArray(o, at + LENGTH);
        x62.intoArray(o, at + 2 * LENGTH);
        at -= pitch;
        x50.intoArray(o, at);
        x51.intoArray(o, at + LENGTH);
        x52.intoArray(o, at + 2 * LENGTH);
        at -= pitch;
        x40.intoArray(o, at);
        x41.intoArray(o, at + LENGTH);
        x42.intoArray(o, at + 2 * LENGTH);
        at -= pitch;
        x30.intoArray(o, at);
        x31.intoArray(o, at + LENGTH);
        x32.intoArray(o, at + 2 * LENGTH);
        at -= pitch;
        x20.intoArray(o, at);
        x21.intoArray(o, at + LENGTH);
        x22.intoArray(o, at + 2 * LENGTH);
        at -= pitch;
        x10.intoArray(o, at);
        x11.intoArray(o, at + LENGTH);
        x12.intoArray(o, at + 2 * LENGTH);
        at -= pitch;
        x00.intoArray(o, at);
        x01.intoArray(o, at + LENGTH);
        x02.intoArray(o, at + 2 * LENGTH);
    }

    @Override
    void exponentiate(float[] s, int keys, float[] max, float[] sum, float[] rescale) {
        VectorExponentials.rows3(s, keys, max, sum, rescale);
    }

    @Override
    void exponentiateNatural(float[] s, int keys, float[] max, float[] sum, float[] rescale) {
        VectorExponentials.rows3Natural(s, keys, max, sum, rescale);
    }
}
