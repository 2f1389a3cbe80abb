package dev.fovea.cpu;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * One query row: the values of a tile and the keys of the next in one loop, so that the memory always has something to bring. Turn by
 * turn, it idles while a tile's values, already brought, are added up. The operations and their order are those of
 * {@link VectorMemoryKernels}, and so are the bits.
 */
final class VectorStreamKernels {
    private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
    private static final int LENGTH = Species.LENGTH;
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final VectorShuffle<Float> HALF = Fold.HALF;
    private static final VectorShuffle<Float> QUARTER = Fold.QUARTER;
    private static final VectorShuffle<Float> EIGHTH = Fold.EIGHTH;
    private static final VectorShuffle<Float> SIXTEENTH = Fold.SIXTEENTH;
    private static final VectorMask<Float> UPPER_HALF = Fold.UPPER_HALF;
    private static final VectorMask<Float> UPPER_QUARTERS = Fold.UPPER_QUARTERS;
    private static final int GROUP = VectorMemoryKernels.GROUP;

    private VectorStreamKernels() {}

    /** Whether there are registers for the sums of so many channels beside those of the keys. */
    static boolean fits(int channels) {
        return Species.MANY_REGISTERS && (channels == 4 * LENGTH || channels == 8 * LENGTH);
    }

    static void run(
            RowGroups values,
            float[] s,
            float rescale,
            float[] o,
            RowGroups keys,
            int dim,
            float[] q,
            float scale,
            float[] next,
            float[] t,
            boolean eight) {
        if (eight) {
            eightVectors(
                    values.memory(),
                    values.at(),
                    values.stride(),
                    values.count(),
                    s,
                    rescale,
                    o,
                    keys.memory(),
                    keys.at(),
                    keys.stride(),
                    dim,
                    q,
                    scale,
                    next,
                    t);
        } else {
            fourVectors(
                    values.memory(),
                    values.at(),
                    values.stride(),
                    values.count(),
                    s,
                    rescale,
                    o,
                    keys.memory(),
                    keys.at(),
                    keys.stride(),
                    dim,
                    q,
                    scale,
                    next,
                    t);
        }
    }

    private static void eightVectors(
            MemorySegment v,
            long[] vAt,
            long vStride,
            int n,
            float[] s,
            float rescale,
            float[] o,
            MemorySegment k,
            long[] kAt,
            long kStride,
            int dim,
            float[] q,
            float scale,
            float[] next,
            float[] t) {
        FloatVector a = FloatVector.fromArray(FLOATS, o, 0).mul(rescale);
        FloatVector b = FloatVector.fromArray(FLOATS, o, LENGTH).mul(rescale);
        FloatVector c = FloatVector.fromArray(FLOATS, o, 2 * LENGTH).mul(rescale);
        FloatVector e = FloatVector.fromArray(FLOATS, o, 3 * LENGTH).mul(rescale);
        FloatVector f = FloatVector.fromArray(FLOATS, o, 4 * LENGTH).mul(rescale);
        FloatVector g = FloatVector.fromArray(FLOATS, o, 5 * LENGTH).mul(rescale);
        FloatVector h = FloatVector.fromArray(FLOATS, o, 6 * LENGTH).mul(rescale);
        FloatVector l = FloatVector.fromArray(FLOATS, o, 7 * LENGTH).mul(rescale);
        for (int j = 0; j < n; j += GROUP) {
            keys(k, kAt[j / GROUP], kStride, dim, q, scale, next, j, t);
            long at = vAt[j / GROUP];
            for (int i = j; i < j + GROUP; i++) {
                FloatVector p = FloatVector.broadcast(FLOATS, s[i]);
                a = FloatVector.fromMemorySegment(FLOATS, v, at, ORDER).fma(p, a);
                b = FloatVector.fromMemorySegment(FLOATS, v, at + 4L * LENGTH, ORDER)
                        .fma(p, b);
                c = FloatVector.fromMemorySegment(FLOATS, v, at + 8L * LENGTH, ORDER)
                        .fma(p, c);
                e = FloatVector.fromMemorySegment(FLOATS, v, at + 12L * LENGTH, ORDER)
                        .fma(p, e);
                f = FloatVector.fromMemorySegment(FLOATS, v, at + 16L * LENGTH, ORDER)
                        .fma(p, f);
                g = FloatVector.fromMemorySegment(FLOATS, v, at + 20L * LENGTH, ORDER)
                        .fma(p, g);
                h = FloatVector.fromMemorySegment(FLOATS, v, at + 24L * LENGTH, ORDER)
                        .fma(p, h);
                l = FloatVector.fromMemorySegment(FLOATS, v, at + 28L * LENGTH, ORDER)
                        .fma(p, l);
                at += vStride;
            }
        }
        a.intoArray(o, 0);
        b.intoArray(o, LENGTH);
        c.intoArray(o, 2 * LENGTH);
        e.intoArray(o, 3 * LENGTH);
        f.intoArray(o, 4 * LENGTH);
        g.intoArray(o, 5 * LENGTH);
        h.intoArray(o, 6 * LENGTH);
        l.intoArray(o, 7 * LENGTH);
    }

    private static void fourVectors(
            MemorySegment v,
            long[] vAt,
            long vStride,
            int n,
            float[] s,
            float rescale,
            float[] o,
            MemorySegment k,
            long[] kAt,
            long kStride,
            int dim,
            float[] q,
            float scale,
            float[] next,
            float[] t) {
        FloatVector a = FloatVector.fromArray(FLOATS, o, 0).mul(rescale);
        FloatVector b = FloatVector.fromArray(FLOATS, o, LENGTH).mul(rescale);
        FloatVector c = FloatVector.fromArray(FLOATS, o, 2 * LENGTH).mul(rescale);
        FloatVector e = FloatVector.fromArray(FLOATS, o, 3 * LENGTH).mul(rescale);
        for (int j = 0; j < n; j += GROUP) {
            keys(k, kAt[j / GROUP], kStride, dim, q, scale, next, j, t);
            long at = vAt[j / GROUP];
            for (int i = j; i < j + GROUP; i++) {
                FloatVector p = FloatVector.broadcast(FLOATS, s[i]);
                a = FloatVector.fromMemorySegment(FLOATS, v, at, ORDER).fma(p, a);
                b = FloatVector.fromMemorySegment(FLOATS, v, at + 4L * LENGTH, ORDER)
                        .fma(p, b);
                c = FloatVector.fromMemorySegment(FLOATS, v, at + 8L * LENGTH, ORDER)
                        .fma(p, c);
                e = FloatVector.fromMemorySegment(FLOATS, v, at + 12L * LENGTH, ORDER)
                        .fma(p, e);
                at += vStride;
            }
        }
        a.intoArray(o, 0);
        b.intoArray(o, LENGTH);
        c.intoArray(o, 2 * LENGTH);
        e.intoArray(o, 3 * LENGTH);
    }

    /** The scores of a group of keys, read in the order of memory: in turn key by key they took a quarter longer. */
    private static void keys(
            MemorySegment k, long a, long stride, int dim, float[] q, float scale, float[] s, int at, float[] t) {
        long b = a + stride;
        long c = b + stride;
        long e = c + stride;
        FloatVector a0 = FloatVector.zero(FLOATS);
        FloatVector b0 = FloatVector.zero(FLOATS);
        FloatVector c0 = FloatVector.zero(FLOATS);
        FloatVector e0 = FloatVector.zero(FLOATS);
        for (int d = 0; d < dim; d += LENGTH) {
            a0 = FloatVector.fromMemorySegment(FLOATS, k, a + 4L * d, ORDER)
                    .fma(FloatVector.fromArray(FLOATS, q, d), a0);
        }
        for (int d = 0; d < dim; d += LENGTH) {
            b0 = FloatVector.fromMemorySegment(FLOATS, k, b + 4L * d, ORDER)
                    .fma(FloatVector.fromArray(FLOATS, q, d), b0);
        }
        for (int d = 0; d < dim; d += LENGTH) {
            c0 = FloatVector.fromMemorySegment(FLOATS, k, c + 4L * d, ORDER)
                    .fma(FloatVector.fromArray(FLOATS, q, d), c0);
        }
        for (int d = 0; d < dim; d += LENGTH) {
            e0 = FloatVector.fromMemorySegment(FLOATS, k, e + 4L * d, ORDER)
                    .fma(FloatVector.fromArray(FLOATS, q, d), e0);
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
}
