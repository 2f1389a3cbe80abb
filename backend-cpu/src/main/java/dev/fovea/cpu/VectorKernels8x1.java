package dev.fovea.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products in register blocks of 8 keys or channels by 1 vector of queries: for few queries.
 *
 * <p>The blocks are written out since only local variables stay in registers, and they are methods of their own since the compiler
 * spoils their loops when it inlines them. The pitch is an argument for the same reason: as a constant it invites transformations that
 * cost a quarter of the speed.
 */
final class VectorKernels8x1 extends VectorKernels {
    private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
    private static final int BLOCK = 8;

    VectorKernels8x1() {
        super(1);
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
        int k4 = k3 + dim;
        int k5 = k4 + dim;
        int k6 = k5 + dim;
        int k7 = k6 + dim;
        FloatVector x00 = FloatVector.zero(FLOATS);
        FloatVector x10 = FloatVector.zero(FLOATS);
        FloatVector x20 = FloatVector.zero(FLOATS);
        FloatVector x30 = FloatVector.zero(FLOATS);
        FloatVector x40 = FloatVector.zero(FLOATS);
        FloatVector x50 = FloatVector.zero(FLOATS);
        FloatVector x60 = FloatVector.zero(FLOATS);
        FloatVector x70 = FloatVector.zero(FLOATS);
        int q = 0;
        for (int d = 0; d < dim; d++) {
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
            q += pitch;
        }
        x00.mul(scale).intoArray(s, at);
        at += pitch;
        x10.mul(scale).intoArray(s, at);
        at += pitch;
        x20.mul(scale).intoArray(s, at);
        at += pitch;
        x30.mul(scale).intoArray(s, at);
        at += pitch;
        x40.mul(scale).intoArray(s, at);
        at += pitch;
        x50.mul(scale).intoArray(s, at);
        at += pitch;
        x60.mul(scale).intoArray(s, at);
        at += pitch;
        x70.mul(scale).intoArray(s, at);
    }

    private static void valueBlock(
            float[] v, int v0, int channels, float[] p, int keys, int pitch, float[] rescale, float[] o, int o0) {
        int o1 = o0 + pitch;
        int o2 = o1 + pitch;
        int o3 = o2 + pitch;
        int o4 = o3 + pitch;
        int o5 = o4 + pitch;
        int o6 = o5 + pitch;
        int o7 = o6 + pitch;
        FloatVector r0 = FloatVector.fromArray(FLOATS, rescale, 0);
        FloatVector x00 = FloatVector.fromArray(FLOATS, o, o0).mul(r0);
        FloatVector x10 = FloatVector.fromArray(FLOATS, o, o1).mul(r0);
        FloatVector x20 = FloatVector.fromArray(FLOATS, o, o2).mul(r0);
        FloatVector x30 = FloatVector.fromArray(FLOATS, o, o3).mul(r0);
        FloatVector x40 = FloatVector.fromArray(FLOATS, o, o4).mul(r0);
        FloatVector x50 = FloatVector.fromArray(FLOATS, o, o5).mul(r0);
        FloatVector x60 = FloatVector.fromArray(FLOATS, o, o6).mul(r0);
        FloatVector x70 = FloatVector.fromArray(FLOATS, o, o7).mul(r0);
        int row = 0;
        int at = v0;
        for (int j = 0; j < keys; j++) {
            FloatVector p0 = FloatVector.fromArray(FLOATS, p, row);
            FloatVector b = FloatVector.broadcast(FLOATS, v[at]);
            x00 = b.fma(p0, x00);
            b = FloatVector.broadcast(FLOATS, v[at + 1]);
            x10 = b.fma(p0, x10);
            b = FloatVector.broadcast(FLOATS, v[at + 2]);
            x20 = b.fma(p0, x20);
            b = FloatVector.broadcast(FLOATS, v[at + 3]);
            x30 = b.fma(p0, x30);
            b = FloatVector.broadcast(FLOATS, v[at + 4]);
            x40 = b.fma(p0, x40);
            b = FloatVector.broadcast(FLOATS, v[at + 5]);
            x50 = b.fma(p0, x50);
            b = FloatVector.broadcast(FLOATS, v[at + 6]);
            x60 = b.fma(p0, x60);
            b = FloatVector.broadcast(FLOATS, v[at + 7]);
            x70 = b.fma(p0, x70);
            row += pitch;
            at += channels;
        }
        x00.intoArray(o, o0);
        x10.intoArray(o, o1);
        x20.intoArray(o, o2);
        x30.intoArray(o, o3);
        x40.intoArray(o, o4);
        x50.intoArray(o, o5);
        x60.intoArray(o, o6);
        x70.intoArray(o, o7);
    }
}
