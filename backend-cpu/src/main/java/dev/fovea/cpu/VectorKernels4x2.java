package dev.fovea.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products in register blocks of 4 keys or channels by 2 vectors of queries: for 16 vector registers. Three vectors would need all of them, and what is spilled may lie across cache lines.
 *
 * <p>The blocks are written out since only local variables stay in registers, and they are methods of their own since the compiler
 * spoils their loops when it inlines them. The pitch is an argument for the same reason: as a constant it invites transformations that
 * cost a quarter of the speed.
 */
final class VectorKernels4x2 extends VectorKernels {
    private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
    private static final int LENGTH = Species.LENGTH;
    private static final int BLOCK = 4;

    VectorKernels4x2() {
        super(2);
    }

    @Override
    public void scores(float[] k, int keys, int dim, float[] qt, float scale, float[] s) {
        int pitch = lanes();
        for (int j = 0; j < keys; j += BLOCK) {
            scoreBlock(k, j * dim, dim, qt, pitch, scale, s, j * pitch);
        }
    }

    @Override
    public void accumulate(float[] v, int keys, int channels, float[] s, float[] rescale, float[] o) {
        int pitch = lanes();
        for (int d = 0; d < channels; d += BLOCK) {
            valueBlock(v, d, channels, s, keys, pitch, rescale, o, d * pitch);
        }
    }

    private static void scoreBlock(float[] k, int k0, int dim, float[] qt, int pitch, float scale, float[] s, int at) {
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
        int q = 0;
        for (int d = 0; d < dim; d++) {
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
            q += pitch;
        }
        x00.mul(scale).intoArray(s, at);
        x01.mul(scale).intoArray(s, at + LENGTH);
        at += pitch;
        x10.mul(scale).intoArray(s, at);
        x11.mul(scale).intoArray(s, at + LENGTH);
        at += pitch;
        x20.mul(scale).intoArray(s, at);
        x21.mul(scale).intoArray(s, at + LENGTH);
        at += pitch;
        x30.mul(scale).intoArray(s, at);
        x31.mul(scale).intoArray(s, at + LENGTH);
    }

    private static void valueBlock(
            float[] v, int v0, int channels, float[] p, int keys, int pitch, float[] rescale, float[] o, int o0) {
        int o1 = o0 + pitch;
        int o2 = o1 + pitch;
        int o3 = o2 + pitch;
        FloatVector r0 = FloatVector.fromArray(FLOATS, rescale, 0);
        FloatVector r1 = FloatVector.fromArray(FLOATS, rescale, LENGTH);
        FloatVector x00 = FloatVector.fromArray(FLOATS, o, o0).mul(r0);
        FloatVector x01 = FloatVector.fromArray(FLOATS, o, o0 + LENGTH).mul(r1);
        FloatVector x10 = FloatVector.fromArray(FLOATS, o, o1).mul(r0);
        FloatVector x11 = FloatVector.fromArray(FLOATS, o, o1 + LENGTH).mul(r1);
        FloatVector x20 = FloatVector.fromArray(FLOATS, o, o2).mul(r0);
        FloatVector x21 = FloatVector.fromArray(FLOATS, o, o2 + LENGTH).mul(r1);
        FloatVector x30 = FloatVector.fromArray(FLOATS, o, o3).mul(r0);
        FloatVector x31 = FloatVector.fromArray(FLOATS, o, o3 + LENGTH).mul(r1);
        int row = 0;
        int at = v0;
        for (int j = 0; j < keys; j++) {
            FloatVector p0 = FloatVector.fromArray(FLOATS, p, row);
            FloatVector p1 = FloatVector.fromArray(FLOATS, p, row + LENGTH);
            FloatVector b = FloatVector.broadcast(FLOATS, v[at]);
            x00 = b.fma(p0, x00);
            x01 = b.fma(p1, x01);
            b = FloatVector.broadcast(FLOATS, v[at + 1]);
            x10 = b.fma(p0, x10);
            x11 = b.fma(p1, x11);
            b = FloatVector.broadcast(FLOATS, v[at + 2]);
            x20 = b.fma(p0, x20);
            x21 = b.fma(p1, x21);
            b = FloatVector.broadcast(FLOATS, v[at + 3]);
            x30 = b.fma(p0, x30);
            x31 = b.fma(p1, x31);
            row += pitch;
            at += channels;
        }
        x00.intoArray(o, o0);
        x01.intoArray(o, o0 + LENGTH);
        x10.intoArray(o, o1);
        x11.intoArray(o, o1 + LENGTH);
        x20.intoArray(o, o2);
        x21.intoArray(o, o2 + LENGTH);
        x30.intoArray(o, o3);
        x31.intoArray(o, o3 + LENGTH);
    }
}
