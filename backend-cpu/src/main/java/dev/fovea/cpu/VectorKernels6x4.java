package dev.fovea.cpu;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products in register blocks of 6 keys or channels by 4 vectors of queries: for 32 vector registers and many rows, which are more
 * often a multiple of its lanes than of three vectors.
 *
 * <p>The blocks are written out since only local variables stay in registers, and they are methods of their own since the compiler
 * spoils their loops when it inlines them. The loops are counted, and what they index rises by constants where it can: the checks of
 * ranges are then made once, before the loop. That is why keys have a pitch that is a constant: the places of six would not fit the
 * integer registers.
 */
final class VectorKernels6x4 extends VectorKernels {
    private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
    private static final int LENGTH = Species.LENGTH;
    private static final int PITCH = 4 * LENGTH;

    /** Of keys up to it: no power of two, whose columns would share few sets of a cache. */
    private static final int KEY_PITCH = 144;

    /** Columns below which most of the memory would lie between the keys. */
    private static final int LEAST_OF_PITCH = 32;

    VectorKernels6x4() {
        super(4);
    }

    @Override
    int block() {
        return 2;
    }

    @Override
    public int keyPitch(int columns) {
        return columns >= LEAST_OF_PITCH && columns <= KEY_PITCH ? KEY_PITCH : super.keyPitch(columns);
    }

    @Override
    public void scores(float[] k, int k0, int keys, int pitch, int dim, float[] qt, float[] s, float[] top) {
        Arrays.fill(top, 0, PITCH, Float.NEGATIVE_INFINITY);
        int j = 0;
        if (pitch == KEY_PITCH) {
            for (int sixes = keys - 4 * fours(keys, 6); j < sixes; j += 6) {
                scores6(k, k0 + j * KEY_PITCH, dim, qt, s, j * PITCH, top);
            }
        }
        for (; j < keys; j += 4) {
            scores4(k, k0 + j * pitch, pitch, dim, qt, s, j * PITCH, top);
        }
    }

    @Override
    public void accumulate(
            float[] v, int v0, int keys, int pitch, int channels, float[] s, float[] rescale, float[] o) {
        int d = 0;
        for (int sixes = channels - 4 * fours(channels, 6); d < sixes; d += 6) {
            values6(v, v0 + d, pitch, keys, s, rescale, o, d * PITCH);
        }
        for (; d < channels; d += 4) {
            values4(v, v0 + d, pitch, keys, s, rescale, o, d * PITCH);
        }
    }

    private static void scores6(float[] k, int k0, int dim, float[] qt, float[] s, int at, float[] top) {
        FloatVector x00 = FloatVector.zero(FLOATS);
        FloatVector x01 = FloatVector.zero(FLOATS);
        FloatVector x02 = FloatVector.zero(FLOATS);
        FloatVector x03 = FloatVector.zero(FLOATS);
        FloatVector x10 = FloatVector.zero(FLOATS);
        FloatVector x11 = FloatVector.zero(FLOATS);
        FloatVector x12 = FloatVector.zero(FLOATS);
        FloatVector x13 = FloatVector.zero(FLOATS);
        FloatVector x20 = FloatVector.zero(FLOATS);
        FloatVector x21 = FloatVector.zero(FLOATS);
        FloatVector x22 = FloatVector.zero(FLOATS);
        FloatVector x23 = FloatVector.zero(FLOATS);
        FloatVector x30 = FloatVector.zero(FLOATS);
        FloatVector x31 = FloatVector.zero(FLOATS);
        FloatVector x32 = FloatVector.zero(FLOATS);
        FloatVector x33 = FloatVector.zero(FLOATS);
        FloatVector x40 = FloatVector.zero(FLOATS);
        FloatVector x41 = FloatVector.zero(FLOATS);
        FloatVector x42 = FloatVector.zero(FLOATS);
        FloatVector x43 = FloatVector.zero(FLOATS);
        FloatVector x50 = FloatVector.zero(FLOATS);
        FloatVector x51 = FloatVector.zero(FLOATS);
        FloatVector x52 = FloatVector.zero(FLOATS);
        FloatVector x53 = FloatVector.zero(FLOATS);
        int end = Math.min(dim, KEY_PITCH); // as it is: of so short a loop the compiler makes one, not a loop in a loop
        for (int d = 0; d < end; d++) {
            int q = d * PITCH;
            int x = k0 + d;
            FloatVector q0 = FloatVector.fromArray(FLOATS, qt, q);
            FloatVector q1 = FloatVector.fromArray(FLOATS, qt, q + LENGTH);
            FloatVector q2 = FloatVector.fromArray(FLOATS, qt, q + 2 * LENGTH);
            FloatVector q3 = FloatVector.fromArray(FLOATS, qt, q + 3 * LENGTH);
            FloatVector b = FloatVector.broadcast(FLOATS, k[x]);
            x00 = b.fma(q0, x00);
            x01 = b.fma(q1, x01);
            x02 = b.fma(q2, x02);
            x03 = b.fma(q3, x03);
            b = FloatVector.broadcast(FLOATS, k[x + KEY_PITCH]);
            x10 = b.fma(q0, x10);
            x11 = b.fma(q1, x11);
            x12 = b.fma(q2, x12);
            x13 = b.fma(q3, x13);
            b = FloatVector.broadcast(FLOATS, k[x + 2 * KEY_PITCH]);
            x20 = b.fma(q0, x20);
            x21 = b.fma(q1, x21);
            x22 = b.fma(q2, x22);
            x23 = b.fma(q3, x23);
            b = FloatVector.broadcast(FLOATS, k[x + 3 * KEY_PITCH]);
            x30 = b.fma(q0, x30);
            x31 = b.fma(q1, x31);
            x32 = b.fma(q2, x32);
            x33 = b.fma(q3, x33);
            b = FloatVector.broadcast(FLOATS, k[x + 4 * KEY_PITCH]);
            x40 = b.fma(q0, x40);
            x41 = b.fma(q1, x41);
            x42 = b.fma(q2, x42);
            x43 = b.fma(q3, x43);
            b = FloatVector.broadcast(FLOATS, k[x + 5 * KEY_PITCH]);
            x50 = b.fma(q0, x50);
            x51 = b.fma(q1, x51);
            x52 = b.fma(q2, x52);
            x53 = b.fma(q3, x53);
        }
        x00.intoArray(s, at);
        x01.intoArray(s, at + LENGTH);
        x02.intoArray(s, at + 2 * LENGTH);
        x03.intoArray(s, at + 3 * LENGTH);
        x10.intoArray(s, at + 4 * LENGTH);
        x11.intoArray(s, at + 5 * LENGTH);
        x12.intoArray(s, at + 6 * LENGTH);
        x13.intoArray(s, at + 7 * LENGTH);
        x20.intoArray(s, at + 8 * LENGTH);
        x21.intoArray(s, at + 9 * LENGTH);
        x22.intoArray(s, at + 10 * LENGTH);
        x23.intoArray(s, at + 11 * LENGTH);
        x30.intoArray(s, at + 12 * LENGTH);
        x31.intoArray(s, at + 13 * LENGTH);
        x32.intoArray(s, at + 14 * LENGTH);
        x33.intoArray(s, at + 15 * LENGTH);
        x40.intoArray(s, at + 16 * LENGTH);
        x41.intoArray(s, at + 17 * LENGTH);
        x42.intoArray(s, at + 18 * LENGTH);
        x43.intoArray(s, at + 19 * LENGTH);
        x50.intoArray(s, at + 20 * LENGTH);
        x51.intoArray(s, at + 21 * LENGTH);
        x52.intoArray(s, at + 22 * LENGTH);
        x53.intoArray(s, at + 23 * LENGTH);
        x00 = x00.blend(x10, x10.compare(VectorOperators.GT, x00));
        x01 = x01.blend(x11, x11.compare(VectorOperators.GT, x01));
        x02 = x02.blend(x12, x12.compare(VectorOperators.GT, x02));
        x03 = x03.blend(x13, x13.compare(VectorOperators.GT, x03));
        x20 = x20.blend(x30, x30.compare(VectorOperators.GT, x20));
        x21 = x21.blend(x31, x31.compare(VectorOperators.GT, x21));
        x22 = x22.blend(x32, x32.compare(VectorOperators.GT, x22));
        x23 = x23.blend(x33, x33.compare(VectorOperators.GT, x23));
        x40 = x40.blend(x50, x50.compare(VectorOperators.GT, x40));
        x41 = x41.blend(x51, x51.compare(VectorOperators.GT, x41));
        x42 = x42.blend(x52, x52.compare(VectorOperators.GT, x42));
        x43 = x43.blend(x53, x53.compare(VectorOperators.GT, x43));
        FloatVector t0 = FloatVector.fromArray(FLOATS, top, 0);
        FloatVector t1 = FloatVector.fromArray(FLOATS, top, LENGTH);
        FloatVector t2 = FloatVector.fromArray(FLOATS, top, 2 * LENGTH);
        FloatVector t3 = FloatVector.fromArray(FLOATS, top, 3 * LENGTH);
        t0 = t0.blend(x00, x00.compare(VectorOperators.GT, t0));
        t1 = t1.blend(x01, x01.compare(VectorOperators.GT, t1));
        t2 = t2.blend(x02, x02.compare(VectorOperators.GT, t2));
        t3 = t3.blend(x03, x03.compare(VectorOperators.GT, t3));
        t0 = t0.blend(x20, x20.compare(VectorOperators.GT, t0));
        t1 = t1.blend(x21, x21.compare(VectorOperators.GT, t1));
        t2 = t2.blend(x22, x22.compare(VectorOperators.GT, t2));
        t3 = t3.blend(x23, x23.compare(VectorOperators.GT, t3));
        t0 = t0.blend(x40, x40.compare(VectorOperators.GT, t0));
        t1 = t1.blend(x41, x41.compare(VectorOperators.GT, t1));
        t2 = t2.blend(x42, x42.compare(VectorOperators.GT, t2));
        t3 = t3.blend(x43, x43.compare(VectorOperators.GT, t3));
        t0.intoArray(top, 0);
        t1.intoArray(top, LENGTH);
        t2.intoArray(top, 2 * LENGTH);
        t3.intoArray(top, 3 * LENGTH);
    }

    private static void scores4(float[] k, int k0, int pitch, int dim, float[] qt, float[] s, int at, float[] top) {
        int k1 = k0 + pitch;
        int k2 = k1 + pitch;
        int k3 = k2 + pitch;
        FloatVector x00 = FloatVector.zero(FLOATS);
        FloatVector x01 = FloatVector.zero(FLOATS);
        FloatVector x02 = FloatVector.zero(FLOATS);
        FloatVector x03 = FloatVector.zero(FLOATS);
        FloatVector x10 = FloatVector.zero(FLOATS);
        FloatVector x11 = FloatVector.zero(FLOATS);
        FloatVector x12 = FloatVector.zero(FLOATS);
        FloatVector x13 = FloatVector.zero(FLOATS);
        FloatVector x20 = FloatVector.zero(FLOATS);
        FloatVector x21 = FloatVector.zero(FLOATS);
        FloatVector x22 = FloatVector.zero(FLOATS);
        FloatVector x23 = FloatVector.zero(FLOATS);
        FloatVector x30 = FloatVector.zero(FLOATS);
        FloatVector x31 = FloatVector.zero(FLOATS);
        FloatVector x32 = FloatVector.zero(FLOATS);
        FloatVector x33 = FloatVector.zero(FLOATS);
        for (int d = 0; d < dim; d++) {
            int q = d * PITCH;
            FloatVector q0 = FloatVector.fromArray(FLOATS, qt, q);
            FloatVector q1 = FloatVector.fromArray(FLOATS, qt, q + LENGTH);
            FloatVector q2 = FloatVector.fromArray(FLOATS, qt, q + 2 * LENGTH);
            FloatVector q3 = FloatVector.fromArray(FLOATS, qt, q + 3 * LENGTH);
            FloatVector b = FloatVector.broadcast(FLOATS, k[k0 + d]);
            x00 = b.fma(q0, x00);
            x01 = b.fma(q1, x01);
            x02 = b.fma(q2, x02);
            x03 = b.fma(q3, x03);
            b = FloatVector.broadcast(FLOATS, k[k1 + d]);
            x10 = b.fma(q0, x10);
            x11 = b.fma(q1, x11);
            x12 = b.fma(q2, x12);
            x13 = b.fma(q3, x13);
            b = FloatVector.broadcast(FLOATS, k[k2 + d]);
            x20 = b.fma(q0, x20);
            x21 = b.fma(q1, x21);
            x22 = b.fma(q2, x22);
            x23 = b.fma(q3, x23);
            b = FloatVector.broadcast(FLOATS, k[k3 + d]);
            x30 = b.fma(q0, x30);
            x31 = b.fma(q1, x31);
            x32 = b.fma(q2, x32);
            x33 = b.fma(q3, x33);
        }
        x00.intoArray(s, at);
        x01.intoArray(s, at + LENGTH);
        x02.intoArray(s, at + 2 * LENGTH);
        x03.intoArray(s, at + 3 * LENGTH);
        x10.intoArray(s, at + 4 * LENGTH);
        x11.intoArray(s, at + 5 * LENGTH);
        x12.intoArray(s, at + 6 * LENGTH);
        x13.intoArray(s, at + 7 * LENGTH);
        x20.intoArray(s, at + 8 * LENGTH);
        x21.intoArray(s, at + 9 * LENGTH);
        x22.intoArray(s, at + 10 * LENGTH);
        x23.intoArray(s, at + 11 * LENGTH);
        x30.intoArray(s, at + 12 * LENGTH);
        x31.intoArray(s, at + 13 * LENGTH);
        x32.intoArray(s, at + 14 * LENGTH);
        x33.intoArray(s, at + 15 * LENGTH);
        x00 = x00.blend(x10, x10.compare(VectorOperators.GT, x00));
        x01 = x01.blend(x11, x11.compare(VectorOperators.GT, x01));
        x02 = x02.blend(x12, x12.compare(VectorOperators.GT, x02));
        x03 = x03.blend(x13, x13.compare(VectorOperators.GT, x03));
        x20 = x20.blend(x30, x30.compare(VectorOperators.GT, x20));
        x21 = x21.blend(x31, x31.compare(VectorOperators.GT, x21));
        x22 = x22.blend(x32, x32.compare(VectorOperators.GT, x22));
        x23 = x23.blend(x33, x33.compare(VectorOperators.GT, x23));
        FloatVector t0 = FloatVector.fromArray(FLOATS, top, 0);
        FloatVector t1 = FloatVector.fromArray(FLOATS, top, LENGTH);
        FloatVector t2 = FloatVector.fromArray(FLOATS, top, 2 * LENGTH);
        FloatVector t3 = FloatVector.fromArray(FLOATS, top, 3 * LENGTH);
        t0 = t0.blend(x00, x00.compare(VectorOperators.GT, t0));
        t1 = t1.blend(x01, x01.compare(VectorOperators.GT, t1));
        t2 = t2.blend(x02, x02.compare(VectorOperators.GT, t2));
        t3 = t3.blend(x03, x03.compare(VectorOperators.GT, t3));
        t0 = t0.blend(x20, x20.compare(VectorOperators.GT, t0));
        t1 = t1.blend(x21, x21.compare(VectorOperators.GT, t1));
        t2 = t2.blend(x22, x22.compare(VectorOperators.GT, t2));
        t3 = t3.blend(x23, x23.compare(VectorOperators.GT, t3));
        t0.intoArray(top, 0);
        t1.intoArray(top, LENGTH);
        t2.intoArray(top, 2 * LENGTH);
        t3.intoArray(top, 3 * LENGTH);
    }

    private static void values6(float[] v, int v0, int pitch, int keys, float[] p, float[] rescale, float[] o, int at) {
        FloatVector r0 = FloatVector.fromArray(FLOATS, rescale, 0);
        FloatVector r1 = FloatVector.fromArray(FLOATS, rescale, LENGTH);
        FloatVector r2 = FloatVector.fromArray(FLOATS, rescale, 2 * LENGTH);
        FloatVector r3 = FloatVector.fromArray(FLOATS, rescale, 3 * LENGTH);
        FloatVector x00 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        FloatVector x01 = FloatVector.fromArray(FLOATS, o, at + LENGTH).mul(r1);
        FloatVector x02 = FloatVector.fromArray(FLOATS, o, at + 2 * LENGTH).mul(r2);
        FloatVector x03 = FloatVector.fromArray(FLOATS, o, at + 3 * LENGTH).mul(r3);
        FloatVector x10 = FloatVector.fromArray(FLOATS, o, at + 4 * LENGTH).mul(r0);
        FloatVector x11 = FloatVector.fromArray(FLOATS, o, at + 5 * LENGTH).mul(r1);
        FloatVector x12 = FloatVector.fromArray(FLOATS, o, at + 6 * LENGTH).mul(r2);
        FloatVector x13 = FloatVector.fromArray(FLOATS, o, at + 7 * LENGTH).mul(r3);
        FloatVector x20 = FloatVector.fromArray(FLOATS, o, at + 8 * LENGTH).mul(r0);
        FloatVector x21 = FloatVector.fromArray(FLOATS, o, at + 9 * LENGTH).mul(r1);
        FloatVector x22 = FloatVector.fromArray(FLOATS, o, at + 10 * LENGTH).mul(r2);
        FloatVector x23 = FloatVector.fromArray(FLOATS, o, at + 11 * LENGTH).mul(r3);
        FloatVector x30 = FloatVector.fromArray(FLOATS, o, at + 12 * LENGTH).mul(r0);
        FloatVector x31 = FloatVector.fromArray(FLOATS, o, at + 13 * LENGTH).mul(r1);
        FloatVector x32 = FloatVector.fromArray(FLOATS, o, at + 14 * LENGTH).mul(r2);
        FloatVector x33 = FloatVector.fromArray(FLOATS, o, at + 15 * LENGTH).mul(r3);
        FloatVector x40 = FloatVector.fromArray(FLOATS, o, at + 16 * LENGTH).mul(r0);
        FloatVector x41 = FloatVector.fromArray(FLOATS, o, at + 17 * LENGTH).mul(r1);
        FloatVector x42 = FloatVector.fromArray(FLOATS, o, at + 18 * LENGTH).mul(r2);
        FloatVector x43 = FloatVector.fromArray(FLOATS, o, at + 19 * LENGTH).mul(r3);
        FloatVector x50 = FloatVector.fromArray(FLOATS, o, at + 20 * LENGTH).mul(r0);
        FloatVector x51 = FloatVector.fromArray(FLOATS, o, at + 21 * LENGTH).mul(r1);
        FloatVector x52 = FloatVector.fromArray(FLOATS, o, at + 22 * LENGTH).mul(r2);
        FloatVector x53 = FloatVector.fromArray(FLOATS, o, at + 23 * LENGTH).mul(r3);
        int end = keys * PITCH;
        for (int row = 0, x = v0; row < end; row += PITCH, x += pitch) {
            FloatVector p0 = FloatVector.fromArray(FLOATS, p, row);
            FloatVector p1 = FloatVector.fromArray(FLOATS, p, row + LENGTH);
            FloatVector p2 = FloatVector.fromArray(FLOATS, p, row + 2 * LENGTH);
            FloatVector p3 = FloatVector.fromArray(FLOATS, p, row + 3 * LENGTH);
            FloatVector b = FloatVector.broadcast(FLOATS, v[x]);
            x00 = b.fma(p0, x00);
            x01 = b.fma(p1, x01);
            x02 = b.fma(p2, x02);
            x03 = b.fma(p3, x03);
            b = FloatVector.broadcast(FLOATS, v[x + 1]);
            x10 = b.fma(p0, x10);
            x11 = b.fma(p1, x11);
            x12 = b.fma(p2, x12);
            x13 = b.fma(p3, x13);
            b = FloatVector.broadcast(FLOATS, v[x + 2]);
            x20 = b.fma(p0, x20);
            x21 = b.fma(p1, x21);
            x22 = b.fma(p2, x22);
            x23 = b.fma(p3, x23);
            b = FloatVector.broadcast(FLOATS, v[x + 3]);
            x30 = b.fma(p0, x30);
            x31 = b.fma(p1, x31);
            x32 = b.fma(p2, x32);
            x33 = b.fma(p3, x33);
            b = FloatVector.broadcast(FLOATS, v[x + 4]);
            x40 = b.fma(p0, x40);
            x41 = b.fma(p1, x41);
            x42 = b.fma(p2, x42);
            x43 = b.fma(p3, x43);
            b = FloatVector.broadcast(FLOATS, v[x + 5]);
            x50 = b.fma(p0, x50);
            x51 = b.fma(p1, x51);
            x52 = b.fma(p2, x52);
            x53 = b.fma(p3, x53);
        }
        x00.intoArray(o, at);
        x01.intoArray(o, at + LENGTH);
        x02.intoArray(o, at + 2 * LENGTH);
        x03.intoArray(o, at + 3 * LENGTH);
        x10.intoArray(o, at + 4 * LENGTH);
        x11.intoArray(o, at + 5 * LENGTH);
        x12.intoArray(o, at + 6 * LENGTH);
        x13.intoArray(o, at + 7 * LENGTH);
        x20.intoArray(o, at + 8 * LENGTH);
        x21.intoArray(o, at + 9 * LENGTH);
        x22.intoArray(o, at + 10 * LENGTH);
        x23.intoArray(o, at + 11 * LENGTH);
        x30.intoArray(o, at + 12 * LENGTH);
        x31.intoArray(o, at + 13 * LENGTH);
        x32.intoArray(o, at + 14 * LENGTH);
        x33.intoArray(o, at + 15 * LENGTH);
        x40.intoArray(o, at + 16 * LENGTH);
        x41.intoArray(o, at + 17 * LENGTH);
        x42.intoArray(o, at + 18 * LENGTH);
        x43.intoArray(o, at + 19 * LENGTH);
        x50.intoArray(o, at + 20 * LENGTH);
        x51.intoArray(o, at + 21 * LENGTH);
        x52.intoArray(o, at + 22 * LENGTH);
        x53.intoArray(o, at + 23 * LENGTH);
    }

    private static void values4(float[] v, int v0, int pitch, int keys, float[] p, float[] rescale, float[] o, int at) {
        FloatVector r0 = FloatVector.fromArray(FLOATS, rescale, 0);
        FloatVector r1 = FloatVector.fromArray(FLOATS, rescale, LENGTH);
        FloatVector r2 = FloatVector.fromArray(FLOATS, rescale, 2 * LENGTH);
        FloatVector r3 = FloatVector.fromArray(FLOATS, rescale, 3 * LENGTH);
        FloatVector x00 = FloatVector.fromArray(FLOATS, o, at).mul(r0);
        FloatVector x01 = FloatVector.fromArray(FLOATS, o, at + LENGTH).mul(r1);
        FloatVector x02 = FloatVector.fromArray(FLOATS, o, at + 2 * LENGTH).mul(r2);
        FloatVector x03 = FloatVector.fromArray(FLOATS, o, at + 3 * LENGTH).mul(r3);
        FloatVector x10 = FloatVector.fromArray(FLOATS, o, at + 4 * LENGTH).mul(r0);
        FloatVector x11 = FloatVector.fromArray(FLOATS, o, at + 5 * LENGTH).mul(r1);
        FloatVector x12 = FloatVector.fromArray(FLOATS, o, at + 6 * LENGTH).mul(r2);
        FloatVector x13 = FloatVector.fromArray(FLOATS, o, at + 7 * LENGTH).mul(r3);
        FloatVector x20 = FloatVector.fromArray(FLOATS, o, at + 8 * LENGTH).mul(r0);
        FloatVector x21 = FloatVector.fromArray(FLOATS, o, at + 9 * LENGTH).mul(r1);
        FloatVector x22 = FloatVector.fromArray(FLOATS, o, at + 10 * LENGTH).mul(r2);
        FloatVector x23 = FloatVector.fromArray(FLOATS, o, at + 11 * LENGTH).mul(r3);
        FloatVector x30 = FloatVector.fromArray(FLOATS, o, at + 12 * LENGTH).mul(r0);
        FloatVector x31 = FloatVector.fromArray(FLOATS, o, at + 13 * LENGTH).mul(r1);
        FloatVector x32 = FloatVector.fromArray(FLOATS, o, at + 14 * LENGTH).mul(r2);
        FloatVector x33 = FloatVector.fromArray(FLOATS, o, at + 15 * LENGTH).mul(r3);
        int end = keys * PITCH;
        for (int row = 0, x = v0; row < end; row += PITCH, x += pitch) {
            FloatVector p0 = FloatVector.fromArray(FLOATS, p, row);
            FloatVector p1 = FloatVector.fromArray(FLOATS, p, row + LENGTH);
            FloatVector p2 = FloatVector.fromArray(FLOATS, p, row + 2 * LENGTH);
            FloatVector p3 = FloatVector.fromArray(FLOATS, p, row + 3 * LENGTH);
            FloatVector b = FloatVector.broadcast(FLOATS, v[x]);
            x00 = b.fma(p0, x00);
            x01 = b.fma(p1, x01);
            x02 = b.fma(p2, x02);
            x03 = b.fma(p3, x03);
            b = FloatVector.broadcast(FLOATS, v[x + 1]);
            x10 = b.fma(p0, x10);
            x11 = b.fma(p1, x11);
            x12 = b.fma(p2, x12);
            x13 = b.fma(p3, x13);
            b = FloatVector.broadcast(FLOATS, v[x + 2]);
            x20 = b.fma(p0, x20);
            x21 = b.fma(p1, x21);
            x22 = b.fma(p2, x22);
            x23 = b.fma(p3, x23);
            b = FloatVector.broadcast(FLOATS, v[x + 3]);
            x30 = b.fma(p0, x30);
            x31 = b.fma(p1, x31);
            x32 = b.fma(p2, x32);
            x33 = b.fma(p3, x33);
        }
        x00.intoArray(o, at);
        x01.intoArray(o, at + LENGTH);
        x02.intoArray(o, at + 2 * LENGTH);
        x03.intoArray(o, at + 3 * LENGTH);
        x10.intoArray(o, at + 4 * LENGTH);
        x11.intoArray(o, at + 5 * LENGTH);
        x12.intoArray(o, at + 6 * LENGTH);
        x13.intoArray(o, at + 7 * LENGTH);
        x20.intoArray(o, at + 8 * LENGTH);
        x21.intoArray(o, at + 9 * LENGTH);
        x22.intoArray(o, at + 10 * LENGTH);
        x23.intoArray(o, at + 11 * LENGTH);
        x30.intoArray(o, at + 12 * LENGTH);
        x31.intoArray(o, at + 13 * LENGTH);
        x32.intoArray(o, at + 14 * LENGTH);
        x33.intoArray(o, at + 15 * LENGTH);
    }

    @Override
    void exponentiate(float[] s, int keys, float[] max, float[] sum, float[] rescale) {
        VectorExponentials.rows4(s, keys, max, sum, rescale);
    }

    @Override
    void exponentiateNatural(float[] s, int keys, float[] max, float[] sum, float[] rescale) {
        VectorExponentials.rows4Natural(s, keys, max, sum, rescale);
    }
}
