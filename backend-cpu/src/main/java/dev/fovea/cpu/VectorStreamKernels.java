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
 *
 * <p>Columns are written out as far as their number is known: at the end of a loop over the columns of each key the processor has too few
 * requests to memory under way, which took up to a third of the time.
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

    private static final int FOUR = 4 * LENGTH;
    private static final int EIGHT = 8 * LENGTH;

    /** Floats of the work array. */
    static final int WORK = GROUP * LENGTH;

    private VectorStreamKernels() {}

    /** Whether there are registers for the sums of values, and blocks that suit the columns of keys. */
    static boolean fits(int dim, int channels) {
        return Species.MANY_REGISTERS
                && (channels == EIGHT && dim >= EIGHT && dim % FOUR == 0 || channels == FOUR && dim == FOUR);
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
            float[] t) {
        MemorySegment v = values.memory();
        MemorySegment k = keys.memory();
        int n = values.count();
        long[] vAt = values.at();
        long vStride = values.stride();
        long[] kAt = keys.at();
        long kStride = keys.stride();
        if (dim == FOUR) {
            fourVectors(v, vAt, vStride, n, s, rescale, o, k, kAt, kStride, q, scale, next, t);
        } else if (dim == EIGHT) {
            eightVectors(v, vAt, vStride, n, s, rescale, o, k, kAt, kStride, q, scale, next, t);
        } else {
            eightVectorsOfAnyKeys(v, vAt, vStride, n, s, rescale, o, k, kAt, kStride, dim, q, scale, next, t);
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
            float[] q,
            float scale,
            float[] next,
            float[] t) {
        FloatVector a = FloatVector.fromArray(FLOATS, o, 0).mul(rescale);
        FloatVector b = FloatVector.fromArray(FLOATS, o, LENGTH).mul(rescale);
        FloatVector c = FloatVector.fromArray(FLOATS, o, 2 * LENGTH).mul(rescale);
        FloatVector d = FloatVector.fromArray(FLOATS, o, 3 * LENGTH).mul(rescale);
        FloatVector e = FloatVector.fromArray(FLOATS, o, 4 * LENGTH).mul(rescale);
        FloatVector f = FloatVector.fromArray(FLOATS, o, 5 * LENGTH).mul(rescale);
        FloatVector g = FloatVector.fromArray(FLOATS, o, 6 * LENGTH).mul(rescale);
        FloatVector h = FloatVector.fromArray(FLOATS, o, 7 * LENGTH).mul(rescale);
        FloatVector q0 = FloatVector.fromArray(FLOATS, q, 0);
        FloatVector q1 = FloatVector.fromArray(FLOATS, q, LENGTH);
        FloatVector q2 = FloatVector.fromArray(FLOATS, q, 2 * LENGTH);
        FloatVector q3 = FloatVector.fromArray(FLOATS, q, 3 * LENGTH);
        FloatVector q4 = FloatVector.fromArray(FLOATS, q, 4 * LENGTH);
        FloatVector q5 = FloatVector.fromArray(FLOATS, q, 5 * LENGTH);
        FloatVector q6 = FloatVector.fromArray(FLOATS, q, 6 * LENGTH);
        FloatVector q7 = FloatVector.fromArray(FLOATS, q, 7 * LENGTH);
        for (int j = 0; j < n; j += GROUP) {
            long key = kAt[j / GROUP];
            long value = vAt[j / GROUP];
            for (int i = 0; i < GROUP; i++) {
                FloatVector x = FloatVector.zero(FLOATS);
                x = FloatVector.fromMemorySegment(FLOATS, k, key, ORDER).fma(q0, x);
                x = FloatVector.fromMemorySegment(FLOATS, k, key + 4L * LENGTH, ORDER)
                        .fma(q1, x);
                x = FloatVector.fromMemorySegment(FLOATS, k, key + 8L * LENGTH, ORDER)
                        .fma(q2, x);
                x = FloatVector.fromMemorySegment(FLOATS, k, key + 12L * LENGTH, ORDER)
                        .fma(q3, x);
                x = FloatVector.fromMemorySegment(FLOATS, k, key + 16L * LENGTH, ORDER)
                        .fma(q4, x);
                x = FloatVector.fromMemorySegment(FLOATS, k, key + 20L * LENGTH, ORDER)
                        .fma(q5, x);
                x = FloatVector.fromMemorySegment(FLOATS, k, key + 24L * LENGTH, ORDER)
                        .fma(q6, x);
                x = FloatVector.fromMemorySegment(FLOATS, k, key + 28L * LENGTH, ORDER)
                        .fma(q7, x);
                x.intoArray(t, i * LENGTH);
                FloatVector p = FloatVector.broadcast(FLOATS, s[j + i]);
                a = FloatVector.fromMemorySegment(FLOATS, v, value, ORDER).fma(p, a);
                b = FloatVector.fromMemorySegment(FLOATS, v, value + 4L * LENGTH, ORDER)
                        .fma(p, b);
                c = FloatVector.fromMemorySegment(FLOATS, v, value + 8L * LENGTH, ORDER)
                        .fma(p, c);
                d = FloatVector.fromMemorySegment(FLOATS, v, value + 12L * LENGTH, ORDER)
                        .fma(p, d);
                e = FloatVector.fromMemorySegment(FLOATS, v, value + 16L * LENGTH, ORDER)
                        .fma(p, e);
                f = FloatVector.fromMemorySegment(FLOATS, v, value + 20L * LENGTH, ORDER)
                        .fma(p, f);
                g = FloatVector.fromMemorySegment(FLOATS, v, value + 24L * LENGTH, ORDER)
                        .fma(p, g);
                h = FloatVector.fromMemorySegment(FLOATS, v, value + 28L * LENGTH, ORDER)
                        .fma(p, h);
                key += kStride;
                value += vStride;
            }
            fold(t, scale);
            next[j] = t[0];
            next[j + 1] = t[LENGTH / 2];
            next[j + 2] = t[LENGTH / 4];
            next[j + 3] = t[LENGTH / 2 + LENGTH / 4];
        }
        a.intoArray(o, 0);
        b.intoArray(o, LENGTH);
        c.intoArray(o, 2 * LENGTH);
        d.intoArray(o, 3 * LENGTH);
        e.intoArray(o, 4 * LENGTH);
        f.intoArray(o, 5 * LENGTH);
        g.intoArray(o, 6 * LENGTH);
        h.intoArray(o, 7 * LENGTH);
    }

    private static void eightVectorsOfAnyKeys(
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
        FloatVector d = FloatVector.fromArray(FLOATS, o, 3 * LENGTH).mul(rescale);
        FloatVector e = FloatVector.fromArray(FLOATS, o, 4 * LENGTH).mul(rescale);
        FloatVector f = FloatVector.fromArray(FLOATS, o, 5 * LENGTH).mul(rescale);
        FloatVector g = FloatVector.fromArray(FLOATS, o, 6 * LENGTH).mul(rescale);
        FloatVector h = FloatVector.fromArray(FLOATS, o, 7 * LENGTH).mul(rescale);
        for (int j = 0; j < n; j += GROUP) {
            long key = kAt[j / GROUP];
            long value = vAt[j / GROUP];
            for (int i = 0; i < GROUP; i++) {
                FloatVector x = FloatVector.zero(FLOATS);
                for (int y = 0; y < dim; y += FOUR) {
                    long at = key + 4L * y;
                    x = FloatVector.fromMemorySegment(FLOATS, k, at, ORDER).fma(FloatVector.fromArray(FLOATS, q, y), x);
                    x = FloatVector.fromMemorySegment(FLOATS, k, at + 4L * LENGTH, ORDER)
                            .fma(FloatVector.fromArray(FLOATS, q, y + LENGTH), x);
                    x = FloatVector.fromMemorySegment(FLOATS, k, at + 8L * LENGTH, ORDER)
                            .fma(FloatVector.fromArray(FLOATS, q, y + 2 * LENGTH), x);
                    x = FloatVector.fromMemorySegment(FLOATS, k, at + 12L * LENGTH, ORDER)
                            .fma(FloatVector.fromArray(FLOATS, q, y + 3 * LENGTH), x);
                }
                x.intoArray(t, i * LENGTH);
                FloatVector p = FloatVector.broadcast(FLOATS, s[j + i]);
                a = FloatVector.fromMemorySegment(FLOATS, v, value, ORDER).fma(p, a);
                b = FloatVector.fromMemorySegment(FLOATS, v, value + 4L * LENGTH, ORDER)
                        .fma(p, b);
                c = FloatVector.fromMemorySegment(FLOATS, v, value + 8L * LENGTH, ORDER)
                        .fma(p, c);
                d = FloatVector.fromMemorySegment(FLOATS, v, value + 12L * LENGTH, ORDER)
                        .fma(p, d);
                e = FloatVector.fromMemorySegment(FLOATS, v, value + 16L * LENGTH, ORDER)
                        .fma(p, e);
                f = FloatVector.fromMemorySegment(FLOATS, v, value + 20L * LENGTH, ORDER)
                        .fma(p, f);
                g = FloatVector.fromMemorySegment(FLOATS, v, value + 24L * LENGTH, ORDER)
                        .fma(p, g);
                h = FloatVector.fromMemorySegment(FLOATS, v, value + 28L * LENGTH, ORDER)
                        .fma(p, h);
                key += kStride;
                value += vStride;
            }
            fold(t, scale);
            next[j] = t[0];
            next[j + 1] = t[LENGTH / 2];
            next[j + 2] = t[LENGTH / 4];
            next[j + 3] = t[LENGTH / 2 + LENGTH / 4];
        }
        a.intoArray(o, 0);
        b.intoArray(o, LENGTH);
        c.intoArray(o, 2 * LENGTH);
        d.intoArray(o, 3 * LENGTH);
        e.intoArray(o, 4 * LENGTH);
        f.intoArray(o, 5 * LENGTH);
        g.intoArray(o, 6 * LENGTH);
        h.intoArray(o, 7 * LENGTH);
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
            float[] q,
            float scale,
            float[] next,
            float[] t) {
        FloatVector a = FloatVector.fromArray(FLOATS, o, 0).mul(rescale);
        FloatVector b = FloatVector.fromArray(FLOATS, o, LENGTH).mul(rescale);
        FloatVector c = FloatVector.fromArray(FLOATS, o, 2 * LENGTH).mul(rescale);
        FloatVector d = FloatVector.fromArray(FLOATS, o, 3 * LENGTH).mul(rescale);
        FloatVector q0 = FloatVector.fromArray(FLOATS, q, 0);
        FloatVector q1 = FloatVector.fromArray(FLOATS, q, LENGTH);
        FloatVector q2 = FloatVector.fromArray(FLOATS, q, 2 * LENGTH);
        FloatVector q3 = FloatVector.fromArray(FLOATS, q, 3 * LENGTH);
        for (int j = 0; j < n; j += GROUP) {
            long key = kAt[j / GROUP];
            long value = vAt[j / GROUP];
            for (int i = 0; i < GROUP; i++) {
                FloatVector x = FloatVector.zero(FLOATS);
                x = FloatVector.fromMemorySegment(FLOATS, k, key, ORDER).fma(q0, x);
                x = FloatVector.fromMemorySegment(FLOATS, k, key + 4L * LENGTH, ORDER)
                        .fma(q1, x);
                x = FloatVector.fromMemorySegment(FLOATS, k, key + 8L * LENGTH, ORDER)
                        .fma(q2, x);
                x = FloatVector.fromMemorySegment(FLOATS, k, key + 12L * LENGTH, ORDER)
                        .fma(q3, x);
                x.intoArray(t, i * LENGTH);
                FloatVector p = FloatVector.broadcast(FLOATS, s[j + i]);
                a = FloatVector.fromMemorySegment(FLOATS, v, value, ORDER).fma(p, a);
                b = FloatVector.fromMemorySegment(FLOATS, v, value + 4L * LENGTH, ORDER)
                        .fma(p, b);
                c = FloatVector.fromMemorySegment(FLOATS, v, value + 8L * LENGTH, ORDER)
                        .fma(p, c);
                d = FloatVector.fromMemorySegment(FLOATS, v, value + 12L * LENGTH, ORDER)
                        .fma(p, d);
                key += kStride;
                value += vStride;
            }
            fold(t, scale);
            next[j] = t[0];
            next[j + 1] = t[LENGTH / 2];
            next[j + 2] = t[LENGTH / 4];
            next[j + 3] = t[LENGTH / 2 + LENGTH / 4];
        }
        a.intoArray(o, 0);
        b.intoArray(o, LENGTH);
        c.intoArray(o, 2 * LENGTH);
        d.intoArray(o, 3 * LENGTH);
    }

    /** Sums the lanes of four vectors, as {@link VectorMemoryKernels} does. */
    private static void fold(float[] t, float scale) {
        FloatVector a = FloatVector.fromArray(FLOATS, t, 0);
        FloatVector b = FloatVector.fromArray(FLOATS, t, LENGTH);
        FloatVector c = FloatVector.fromArray(FLOATS, t, 2 * LENGTH);
        FloatVector d = FloatVector.fromArray(FLOATS, t, 3 * LENGTH);
        a = a.blend(b, UPPER_HALF).add(b.blend(a, UPPER_HALF).rearrange(HALF));
        c = c.blend(d, UPPER_HALF).add(d.blend(c, UPPER_HALF).rearrange(HALF));
        a = a.blend(c, UPPER_QUARTERS).add(c.blend(a, UPPER_QUARTERS).rearrange(QUARTER));
        if (LENGTH > 4) {
            a = a.add(a.rearrange(EIGHTH));
        }
        if (LENGTH > 8) {
            a = a.add(a.rearrange(SIXTEENTH));
        }
        a.mul(scale).intoArray(t, 0);
    }
}
