package dev.fovea.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The products of {@link VectorRowKernels} on keys and values where they lie: what is read once is not copied first. The same
 * operations in the same order, so that the bits do not depend on which of the two is taken. All groups of a tile go through one call,
 * with the sums in registers.
 *
 * <p>The scores also touch the values of these keys and the keys of the next tile, a number in each vector: while one tile is computed
 * the memory brings the next. Java has no prefetch; without this the processor waits for memory half of the time.
 */
final class VectorMemoryKernels {
    private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
    private static final int LENGTH = Species.LENGTH;
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final VectorShuffle<Float> HALF = Fold.HALF;
    private static final VectorShuffle<Float> QUARTER = Fold.QUARTER;
    private static final VectorShuffle<Float> EIGHTH = Fold.EIGHTH;
    private static final VectorShuffle<Float> SIXTEENTH = Fold.SIXTEENTH;
    private static final VectorMask<Float> UPPER_HALF = Fold.UPPER_HALF;
    private static final VectorMask<Float> UPPER_QUARTERS = Fold.UPPER_QUARTERS;
    private static final VectorMask<Float> UPPER_EIGHTHS = Fold.UPPER_EIGHTHS;
    private static final int ROWS = 4;

    /** Keys of a group. */
    static final int GROUP = 4;

    private VectorMemoryKernels() {}

    static void scores(
            RowGroups keys,
            int dim,
            float[] q,
            int rows,
            float scale,
            float[] s,
            int pitch,
            float[] t,
            RowGroups soon,
            RowGroups later) {
        MemorySegment k = keys.memory();
        long[] at = keys.at();
        long stride = keys.stride();
        int n = keys.count();
        int seen = 0;
        int r = 0;
        for (; r + ROWS <= rows; r += ROWS) {
            RowGroups x = r == 0 ? soon : keys;
            RowGroups y = r == 0 ? later : keys;
            MemorySegment v = x.memory();
            // rows without a gap are touched in the order of memory, which its prefetcher understands
            boolean flat = x.stride() == 4L * dim && stride == x.stride();
            int step = flat ? 8 : 4;
            long other = flat ? 4L * LENGTH : x.stride();
            long otherToo = flat ? other : stride;
            for (int j = 0; j < n; j += 2) {
                int g = j / GROUP;
                int i = j % GROUP;
                long a = at[g] + i * stride;
                long xAt = x.at()[g] + i * x.stride();
                long yAt = y.at()[g] + i * stride;
                int s0 = r * pitch + j;
                seen += fourRows(
                        k, a, stride, dim, q, r * dim, scale, s, s0, pitch, t, v, step, xAt, other, yAt, otherToo);
            }
        }
        for (; r < rows; r++) {
            RowGroups x = r == 0 ? soon : keys;
            RowGroups y = r == 0 ? later : keys;
            MemorySegment v = x.memory();
            boolean flat = x.stride() == 4L * dim && stride == x.stride();
            int step = flat ? 16 : 4;
            long other = flat ? 4L * LENGTH : x.stride();
            long otherToo = flat ? other : stride;
            for (int j = 0; j < n; j += GROUP) {
                int g = j / GROUP;
                int s0 = r * pitch + j;
                seen += oneRow(
                        k, at[g], stride, dim, q, r * dim, scale, s, s0, t, v, step, x.at()[g], other, y.at()[g],
                        otherToo);
            }
        }
        t[Fold.SIZE] = Float.intBitsToFloat(seen);
    }

    private static int fourRows(
            MemorySegment k,
            long a,
            long stride,
            int dim,
            float[] q,
            int q0,
            float scale,
            float[] s,
            int at,
            int p,
            float[] t,
            MemorySegment v,
            int step,
            long soon,
            long soonOther,
            long later,
            long laterOther) {
        long b = a + stride;
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
        int seen = 0;
        int seenToo = 0;
        for (int d = 0; d < dim; d += LENGTH) {
            long soonAt = soon + (long) step * d;
            long laterAt = later + (long) step * d;
            seen += v.get(ValueLayout.JAVA_INT_UNALIGNED, soonAt);
            seenToo += k.get(ValueLayout.JAVA_INT_UNALIGNED, laterAt);
            seen += v.get(ValueLayout.JAVA_INT_UNALIGNED, soonAt + soonOther);
            seenToo += k.get(ValueLayout.JAVA_INT_UNALIGNED, laterAt + laterOther);
            FloatVector x = FloatVector.fromMemorySegment(FLOATS, k, a + 4L * d, ORDER);
            FloatVector y = FloatVector.fromMemorySegment(FLOATS, k, b + 4L * d, ORDER);
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
        return seen + seenToo;
    }

    private static int oneRow(
            MemorySegment k,
            long a,
            long stride,
            int dim,
            float[] q,
            int q0,
            float scale,
            float[] s,
            int at,
            float[] t,
            MemorySegment v,
            int step,
            long soon,
            long soonOther,
            long later,
            long laterOther) {
        long b = a + stride;
        long c = b + stride;
        long e = c + stride;
        FloatVector a0 = FloatVector.zero(FLOATS);
        FloatVector b0 = FloatVector.zero(FLOATS);
        FloatVector c0 = FloatVector.zero(FLOATS);
        FloatVector e0 = FloatVector.zero(FLOATS);
        int seen = 0;
        int seenToo = 0;
        for (int d = 0; d < dim; d += LENGTH) {
            long soonAt = soon + (long) step * d;
            long laterAt = later + (long) step * d;
            seen += v.get(ValueLayout.JAVA_INT_UNALIGNED, soonAt);
            seenToo += k.get(ValueLayout.JAVA_INT_UNALIGNED, laterAt);
            seen += v.get(ValueLayout.JAVA_INT_UNALIGNED, soonAt + soonOther);
            seenToo += k.get(ValueLayout.JAVA_INT_UNALIGNED, laterAt + laterOther);
            seen += v.get(ValueLayout.JAVA_INT_UNALIGNED, soonAt + 2 * soonOther);
            seenToo += k.get(ValueLayout.JAVA_INT_UNALIGNED, laterAt + 2 * laterOther);
            seen += v.get(ValueLayout.JAVA_INT_UNALIGNED, soonAt + 3 * soonOther);
            seenToo += k.get(ValueLayout.JAVA_INT_UNALIGNED, laterAt + 3 * laterOther);
            FloatVector z = FloatVector.fromArray(FLOATS, q, q0 + d);
            a0 = FloatVector.fromMemorySegment(FLOATS, k, a + 4L * d, ORDER).fma(z, a0);
            b0 = FloatVector.fromMemorySegment(FLOATS, k, b + 4L * d, ORDER).fma(z, b0);
            c0 = FloatVector.fromMemorySegment(FLOATS, k, c + 4L * d, ORDER).fma(z, c0);
            e0 = FloatVector.fromMemorySegment(FLOATS, k, e + 4L * d, ORDER).fma(z, e0);
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
        return seen + seenToo;
    }

    static void accumulate(RowGroups values, int channels, float[] s, int pitch, int rows, float[] rescale, float[] o) {
        MemorySegment v = values.memory();
        long[] at = values.at();
        long stride = values.stride();
        int keys = values.count();
        int r = 0;
        int fours = channels - channels % (4 * LENGTH);
        int pairs = channels - channels % (2 * LENGTH);
        int blocks = Species.MANY_REGISTERS ? fours : 0;
        for (; r + ROWS <= rows; r += ROWS) {
            int s0 = r * pitch;
            int o0 = r * channels;
            for (int d = 0; d < blocks; d += 4 * LENGTH) {
                fourRowsFourVectors(v, at, 4L * d, stride, keys, channels, s, s0, pitch, rescale, r, o, o0 + d);
            }
            for (int d = blocks; d < pairs; d += 2 * LENGTH) {
                fourRowsTwoVectors(v, at, 4L * d, stride, keys, channels, s, s0, pitch, rescale, r, o, o0 + d);
            }
            for (int d = pairs; d < channels; d += LENGTH) {
                for (int i = r; i < r + ROWS; i++) {
                    oneVector(v, at, 4L * d, stride, keys, s, i * pitch, rescale[i], o, i * channels + d);
                }
            }
        }
        for (; r < rows; r++) {
            int s0 = r * pitch;
            for (int d = 0; d < fours; d += 4 * LENGTH) {
                fourVectors(v, at, 4L * d, stride, keys, s, s0, rescale[r], o, r * channels + d);
            }
            for (int d = fours; d < channels; d += LENGTH) {
                oneVector(v, at, 4L * d, stride, keys, s, s0, rescale[r], o, r * channels + d);
            }
        }
    }

    private static void fourRowsFourVectors(
            MemorySegment v,
            long[] groups,
            long v0,
            long stride,
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
        FloatVector c0 = FloatVector.fromArray(FLOATS, o, o0 + 2 * LENGTH).mul(rescale[r]);
        FloatVector e0 = FloatVector.fromArray(FLOATS, o, o0 + 3 * LENGTH).mul(rescale[r]);
        FloatVector a1 = FloatVector.fromArray(FLOATS, o, o1).mul(rescale[r + 1]);
        FloatVector b1 = FloatVector.fromArray(FLOATS, o, o1 + LENGTH).mul(rescale[r + 1]);
        FloatVector c1 = FloatVector.fromArray(FLOATS, o, o1 + 2 * LENGTH).mul(rescale[r + 1]);
        FloatVector e1 = FloatVector.fromArray(FLOATS, o, o1 + 3 * LENGTH).mul(rescale[r + 1]);
        FloatVector a2 = FloatVector.fromArray(FLOATS, o, o2).mul(rescale[r + 2]);
        FloatVector b2 = FloatVector.fromArray(FLOATS, o, o2 + LENGTH).mul(rescale[r + 2]);
        FloatVector c2 = FloatVector.fromArray(FLOATS, o, o2 + 2 * LENGTH).mul(rescale[r + 2]);
        FloatVector e2 = FloatVector.fromArray(FLOATS, o, o2 + 3 * LENGTH).mul(rescale[r + 2]);
        FloatVector a3 = FloatVector.fromArray(FLOATS, o, o3).mul(rescale[r + 3]);
        FloatVector b3 = FloatVector.fromArray(FLOATS, o, o3 + LENGTH).mul(rescale[r + 3]);
        FloatVector c3 = FloatVector.fromArray(FLOATS, o, o3 + 2 * LENGTH).mul(rescale[r + 3]);
        FloatVector e3 = FloatVector.fromArray(FLOATS, o, o3 + 3 * LENGTH).mul(rescale[r + 3]);
        for (int j = 0; j < keys; j += GROUP) {
            long at = v0 + groups[j / GROUP];
            for (int i = j; i < j + GROUP; i++) {
                FloatVector x = FloatVector.fromMemorySegment(FLOATS, v, at, ORDER);
                FloatVector y = FloatVector.fromMemorySegment(FLOATS, v, at + 4L * LENGTH, ORDER);
                FloatVector z = FloatVector.fromMemorySegment(FLOATS, v, at + 8L * LENGTH, ORDER);
                FloatVector w = FloatVector.fromMemorySegment(FLOATS, v, at + 12L * LENGTH, ORDER);
                FloatVector p = FloatVector.broadcast(FLOATS, s[s0 + i]);
                a0 = x.fma(p, a0);
                b0 = y.fma(p, b0);
                c0 = z.fma(p, c0);
                e0 = w.fma(p, e0);
                p = FloatVector.broadcast(FLOATS, s[s1 + i]);
                a1 = x.fma(p, a1);
                b1 = y.fma(p, b1);
                c1 = z.fma(p, c1);
                e1 = w.fma(p, e1);
                p = FloatVector.broadcast(FLOATS, s[s2 + i]);
                a2 = x.fma(p, a2);
                b2 = y.fma(p, b2);
                c2 = z.fma(p, c2);
                e2 = w.fma(p, e2);
                p = FloatVector.broadcast(FLOATS, s[s3 + i]);
                a3 = x.fma(p, a3);
                b3 = y.fma(p, b3);
                c3 = z.fma(p, c3);
                e3 = w.fma(p, e3);
                at += stride;
            }
        }
        a0.intoArray(o, o0);
        b0.intoArray(o, o0 + LENGTH);
        c0.intoArray(o, o0 + 2 * LENGTH);
        e0.intoArray(o, o0 + 3 * LENGTH);
        a1.intoArray(o, o1);
        b1.intoArray(o, o1 + LENGTH);
        c1.intoArray(o, o1 + 2 * LENGTH);
        e1.intoArray(o, o1 + 3 * LENGTH);
        a2.intoArray(o, o2);
        b2.intoArray(o, o2 + LENGTH);
        c2.intoArray(o, o2 + 2 * LENGTH);
        e2.intoArray(o, o2 + 3 * LENGTH);
        a3.intoArray(o, o3);
        b3.intoArray(o, o3 + LENGTH);
        c3.intoArray(o, o3 + 2 * LENGTH);
        e3.intoArray(o, o3 + 3 * LENGTH);
    }

    private static void fourRowsTwoVectors(
            MemorySegment v,
            long[] groups,
            long v0,
            long stride,
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
        for (int j = 0; j < keys; j += GROUP) {
            long at = v0 + groups[j / GROUP];
            for (int i = j; i < j + GROUP; i++) {
                FloatVector x = FloatVector.fromMemorySegment(FLOATS, v, at, ORDER);
                FloatVector y = FloatVector.fromMemorySegment(FLOATS, v, at + 4L * LENGTH, ORDER);
                FloatVector p = FloatVector.broadcast(FLOATS, s[s0 + i]);
                a0 = x.fma(p, a0);
                b0 = y.fma(p, b0);
                p = FloatVector.broadcast(FLOATS, s[s1 + i]);
                a1 = x.fma(p, a1);
                b1 = y.fma(p, b1);
                p = FloatVector.broadcast(FLOATS, s[s2 + i]);
                a2 = x.fma(p, a2);
                b2 = y.fma(p, b2);
                p = FloatVector.broadcast(FLOATS, s[s3 + i]);
                a3 = x.fma(p, a3);
                b3 = y.fma(p, b3);
                at += stride;
            }
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
            MemorySegment v,
            long[] groups,
            long v0,
            long stride,
            int keys,
            float[] s,
            int s0,
            float rescale,
            float[] o,
            int o0) {
        FloatVector a = FloatVector.fromArray(FLOATS, o, o0).mul(rescale);
        FloatVector b = FloatVector.fromArray(FLOATS, o, o0 + LENGTH).mul(rescale);
        FloatVector c = FloatVector.fromArray(FLOATS, o, o0 + 2 * LENGTH).mul(rescale);
        FloatVector e = FloatVector.fromArray(FLOATS, o, o0 + 3 * LENGTH).mul(rescale);
        for (int j = 0; j < keys; j += GROUP) {
            long at = v0 + groups[j / GROUP];
            for (int i = j; i < j + GROUP; i++) {
                FloatVector p = FloatVector.broadcast(FLOATS, s[s0 + i]);
                a = FloatVector.fromMemorySegment(FLOATS, v, at, ORDER).fma(p, a);
                b = FloatVector.fromMemorySegment(FLOATS, v, at + 4L * LENGTH, ORDER)
                        .fma(p, b);
                c = FloatVector.fromMemorySegment(FLOATS, v, at + 8L * LENGTH, ORDER)
                        .fma(p, c);
                e = FloatVector.fromMemorySegment(FLOATS, v, at + 12L * LENGTH, ORDER)
                        .fma(p, e);
                at += stride;
            }
        }
        a.intoArray(o, o0);
        b.intoArray(o, o0 + LENGTH);
        c.intoArray(o, o0 + 2 * LENGTH);
        e.intoArray(o, o0 + 3 * LENGTH);
    }

    private static void oneVector(
            MemorySegment v,
            long[] groups,
            long v0,
            long stride,
            int keys,
            float[] s,
            int s0,
            float rescale,
            float[] o,
            int o0) {
        FloatVector a = FloatVector.fromArray(FLOATS, o, o0).mul(rescale);
        for (int j = 0; j < keys; j += GROUP) {
            long at = v0 + groups[j / GROUP];
            for (int i = j; i < j + GROUP; i++) {
                a = FloatVector.fromMemorySegment(FLOATS, v, at, ORDER)
                        .fma(FloatVector.broadcast(FLOATS, s[s0 + i]), a);
                at += stride;
            }
        }
        a.intoArray(o, o0);
    }
}
