package dev.fovea.cpu;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The products of {@link SmallBlock}: scores with one vector of rows on the lanes, values with channels on the lanes, so that nothing of
 * the output is transposed. Operations and their order are those of {@link VectorKernels}, and so are the bits.
 *
 * <p>Loops are counted and indices rise by constants, which leaves no check of a range in them; hence one pitch for all shapes. Outputs
 * go to an array first: so many stores to memory in a method, each with its checks, exceed what the compiler takes.
 *
 * <p>Lanes are sixteen here.
 */
final class VectorSmallKernels {
    private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
    private static final int LENGTH = Species.LENGTH;
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();

    /** Floats from a key or a row of values to the next: no power of two, whose columns would share few sets of a cache. */
    static final int PITCH = 144;

    static final int MOST_KEYS = 128;
    static final int KEY_STEP = 8;

    private static final IntVector FIRST_8 = VectorTranspose16.FIRST_8;
    private static final IntVector SECOND_8 = VectorTranspose16.SECOND_8;
    private static final IntVector FIRST_4 = VectorTranspose16.FIRST_4;
    private static final IntVector SECOND_4 = VectorTranspose16.SECOND_4;
    private static final IntVector FIRST_2 = VectorTranspose16.FIRST_2;
    private static final IntVector SECOND_2 = VectorTranspose16.SECOND_2;
    private static final IntVector FIRST_1 = VectorTranspose16.FIRST_1;
    private static final IntVector SECOND_1 = VectorTranspose16.SECOND_1;

    private VectorSmallKernels() {}

    /** Whether the blocks suit so many columns. */
    static boolean fits(int dim, int channels) {
        return dim % LENGTH == 0 && dim <= PITCH && channels % (2 * LENGTH) == 0;
    }

    /** Rows of memory to an array, from its row {@code first} on. */
    static void copy(MemorySegment from, long at, long stride, int rows, int columns, float[] to, int first) {
        int c = 0;
        for (; c + 4 * LENGTH <= columns; c += 4 * LENGTH) {
            fourColumns(from, at + 4L * c, stride, rows, to, first * PITCH + c);
        }
        for (; c < columns; c += LENGTH) {
            column(from, at + 4L * c, stride, rows, to, first * PITCH + c);
        }
    }

    private static void fourColumns(MemorySegment from, long at, long stride, int rows, float[] to, int x) {
        int end = Math.min(rows, MOST_KEYS);
        for (int r = 0; r < end; r++) {
            int y = x + r * PITCH;
            long a = at + r * stride;
            FloatVector v0 = FloatVector.fromMemorySegment(FLOATS, from, a, ORDER);
            FloatVector v1 = FloatVector.fromMemorySegment(FLOATS, from, a + 4L * LENGTH, ORDER);
            FloatVector v2 = FloatVector.fromMemorySegment(FLOATS, from, a + 8L * LENGTH, ORDER);
            FloatVector v3 = FloatVector.fromMemorySegment(FLOATS, from, a + 12L * LENGTH, ORDER);
            v0.intoArray(to, y);
            v1.intoArray(to, y + LENGTH);
            v2.intoArray(to, y + 2 * LENGTH);
            v3.intoArray(to, y + 3 * LENGTH);
        }
    }

    private static void column(MemorySegment from, long at, long stride, int rows, float[] to, int x) {
        int end = Math.min(rows, MOST_KEYS);
        for (int r = 0; r < end; r++) {
            FloatVector.fromMemorySegment(FLOATS, from, at + r * stride, ORDER).intoArray(to, x + r * PITCH);
        }
    }

    /**
     * {@code lanes[d][r] = rows[r][d] * factor} for 16 rows wherever they lie. In two steps of four vectors each: squares of 16 vectors do
     * not fit the registers beside what permutes them.
     */
    static void toLanes(MemorySegment from, long[] rows, int columns, float factor, float[] work, float[] lanes) {
        swapQuarters(from, rows, columns, factor, work);
        swapSingles(work, columns, lanes);
    }

    private static void swapQuarters(MemorySegment from, long[] rows, int columns, float factor, float[] to) {
        FloatVector f = FloatVector.broadcast(FLOATS, factor);
        for (int z = 0; z < columns / 4; z++) {
            int i = z & 3;
            long column = 16L * (z - i);
            IntVector a = FloatVector.fromMemorySegment(FLOATS, from, rows[i] + column, ORDER)
                    .mul(f)
                    .reinterpretAsInts();
            IntVector b = FloatVector.fromMemorySegment(FLOATS, from, rows[i + 4] + column, ORDER)
                    .mul(f)
                    .reinterpretAsInts();
            IntVector c = FloatVector.fromMemorySegment(FLOATS, from, rows[i + 8] + column, ORDER)
                    .mul(f)
                    .reinterpretAsInts();
            IntVector d = FloatVector.fromMemorySegment(FLOATS, from, rows[i + 12] + column, ORDER)
                    .mul(f)
                    .reinterpretAsInts();
            IntVector x = FIRST_8.selectFrom(a, c);
            IntVector y = SECOND_8.selectFrom(a, c);
            IntVector u = FIRST_8.selectFrom(b, d);
            IntVector w = SECOND_8.selectFrom(b, d);
            int at = (4 * (z - i) + i) * 16;
            FIRST_4.selectFrom(x, u).reinterpretAsFloats().intoArray(to, at);
            SECOND_4.selectFrom(x, u).reinterpretAsFloats().intoArray(to, at + 4 * 16);
            FIRST_4.selectFrom(y, w).reinterpretAsFloats().intoArray(to, at + 8 * 16);
            SECOND_4.selectFrom(y, w).reinterpretAsFloats().intoArray(to, at + 12 * 16);
        }
    }

    private static void swapSingles(float[] from, int columns, float[] to) {
        for (int z = 0; z < columns / 4; z++) {
            int at = z * 4 * 16;
            IntVector a = FloatVector.fromArray(FLOATS, from, at).reinterpretAsInts();
            IntVector b = FloatVector.fromArray(FLOATS, from, at + 16).reinterpretAsInts();
            IntVector c = FloatVector.fromArray(FLOATS, from, at + 2 * 16).reinterpretAsInts();
            IntVector d = FloatVector.fromArray(FLOATS, from, at + 3 * 16).reinterpretAsInts();
            IntVector x = FIRST_2.selectFrom(a, c);
            IntVector y = SECOND_2.selectFrom(a, c);
            IntVector u = FIRST_2.selectFrom(b, d);
            IntVector w = SECOND_2.selectFrom(b, d);
            FIRST_1.selectFrom(x, u).reinterpretAsFloats().intoArray(to, at);
            SECOND_1.selectFrom(x, u).reinterpretAsFloats().intoArray(to, at + 16);
            FIRST_1.selectFrom(y, w).reinterpretAsFloats().intoArray(to, at + 2 * 16);
            SECOND_1.selectFrom(y, w).reinterpretAsFloats().intoArray(to, at + 3 * 16);
        }
    }

    /** The scores of a vector of rows, {@code s[key][row]}, and the largest of each row; keys come in eights. */
    static void scores(float[] k, int keys, int dim, float[] qt, float[] s, float[] top) {
        Arrays.fill(top, 0, LENGTH, Float.NEGATIVE_INFINITY);
        int j = 0;
        for (; j + 16 <= keys; j += 16) {
            scores16(k, j * PITCH, dim, qt, s, j * LENGTH, top);
        }
        if (j < keys) {
            scores8(k, j * PITCH, dim, qt, s, j * LENGTH, top);
        }
    }

    /** Replaces scores by 2^(s - top), adds these up and finds what makes outputs of their products; as all kernels do at the first keys. */
    static void softmax(float[] s, int keys, float[] top, float[] sum, float[] factor) {
        FloatVector c6 = FloatVector.broadcast(FLOATS, Exponential.C6);
        FloatVector c5 = FloatVector.broadcast(FLOATS, Exponential.C5);
        FloatVector c4 = FloatVector.broadcast(FLOATS, Exponential.C4);
        FloatVector c3 = FloatVector.broadcast(FLOATS, Exponential.C3);
        FloatVector c2 = FloatVector.broadcast(FLOATS, Exponential.C2);
        FloatVector c1 = FloatVector.broadcast(FLOATS, Exponential.C1);
        FloatVector c0 = FloatVector.broadcast(FLOATS, 1f);
        FloatVector m = FloatVector.fromArray(FLOATS, top, 0);
        m = m.blend(0f, m.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        FloatVector all = FloatVector.zero(FLOATS);
        int end = Math.min(keys, MOST_KEYS);
        for (int j = 0; j < end; j += 2) {
            int at = j * LENGTH;
            FloatVector t = FloatVector.fromArray(FLOATS, s, at).sub(m);
            FloatVector z = t.add(Exponential.ROUND);
            FloatVector y = t.sub(z.sub(Exponential.ROUND));
            FloatVector a = y.mul(y);
            FloatVector p =
                    c6.fma(y, c5).fma(a, c4.fma(y, c3)).fma(a, c2.fma(y, c1)).fma(y, c0);
            p = p.mul(z.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p = p.blend(0f, t.compare(VectorOperators.LT, -126f));
            FloatVector u = FloatVector.fromArray(FLOATS, s, at + LENGTH).sub(m);
            FloatVector w = u.add(Exponential.ROUND);
            FloatVector v = u.sub(w.sub(Exponential.ROUND));
            FloatVector b = v.mul(v);
            FloatVector r =
                    c6.fma(v, c5).fma(b, c4.fma(v, c3)).fma(b, c2.fma(v, c1)).fma(v, c0);
            r = r.mul(w.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            r = r.blend(0f, u.compare(VectorOperators.LT, -126f));
            p.intoArray(s, at);
            r.intoArray(s, at + LENGTH);
            all = all.add(p).add(r);
        }
        all.intoArray(sum, 0);
        FloatVector f = c0.div(all);
        f.blend(0f, all.compare(VectorOperators.EQ, 0f)).intoArray(factor, 0);
    }

    /**
     * The outputs of a vector of rows, {@code sum over j of p[j][row] * v[j] * factor[row]}.
     *
     * @param o dense
     * @param found becomes NaN somewhere if an output is
     */
    static void values(
            MemorySegment v,
            long first,
            long stride,
            int keys,
            int channels,
            float[] p,
            float[] factor,
            float[] o,
            float[] found) {
        for (int lane = 0; lane < LENGTH; lane += 8) {
            for (int d = 0; d < channels; d += 2 * LENGTH) {
                values8(v, first + 4L * d, stride, keys, p, lane, factor, o, lane * channels + d, channels, found);
            }
        }
    }

    private static void scores16(float[] k, int k0, int dim, float[] qt, float[] s, int at, float[] top) {
        FloatVector x0 = FloatVector.zero(FLOATS);
        FloatVector x1 = FloatVector.zero(FLOATS);
        FloatVector x2 = FloatVector.zero(FLOATS);
        FloatVector x3 = FloatVector.zero(FLOATS);
        FloatVector x4 = FloatVector.zero(FLOATS);
        FloatVector x5 = FloatVector.zero(FLOATS);
        FloatVector x6 = FloatVector.zero(FLOATS);
        FloatVector x7 = FloatVector.zero(FLOATS);
        FloatVector x8 = FloatVector.zero(FLOATS);
        FloatVector x9 = FloatVector.zero(FLOATS);
        FloatVector x10 = FloatVector.zero(FLOATS);
        FloatVector x11 = FloatVector.zero(FLOATS);
        FloatVector x12 = FloatVector.zero(FLOATS);
        FloatVector x13 = FloatVector.zero(FLOATS);
        FloatVector x14 = FloatVector.zero(FLOATS);
        FloatVector x15 = FloatVector.zero(FLOATS);
        int end = Math.min(dim, PITCH); // as it is: of so short a loop the compiler makes one, not a loop in a loop
        for (int d = 0; d < end; d++) {
            int x = k0 + d;
            FloatVector q = FloatVector.fromArray(FLOATS, qt, d * LENGTH);
            x0 = FloatVector.broadcast(FLOATS, k[x]).fma(q, x0);
            x1 = FloatVector.broadcast(FLOATS, k[x + PITCH]).fma(q, x1);
            x2 = FloatVector.broadcast(FLOATS, k[x + 2 * PITCH]).fma(q, x2);
            x3 = FloatVector.broadcast(FLOATS, k[x + 3 * PITCH]).fma(q, x3);
            x4 = FloatVector.broadcast(FLOATS, k[x + 4 * PITCH]).fma(q, x4);
            x5 = FloatVector.broadcast(FLOATS, k[x + 5 * PITCH]).fma(q, x5);
            x6 = FloatVector.broadcast(FLOATS, k[x + 6 * PITCH]).fma(q, x6);
            x7 = FloatVector.broadcast(FLOATS, k[x + 7 * PITCH]).fma(q, x7);
            x8 = FloatVector.broadcast(FLOATS, k[x + 8 * PITCH]).fma(q, x8);
            x9 = FloatVector.broadcast(FLOATS, k[x + 9 * PITCH]).fma(q, x9);
            x10 = FloatVector.broadcast(FLOATS, k[x + 10 * PITCH]).fma(q, x10);
            x11 = FloatVector.broadcast(FLOATS, k[x + 11 * PITCH]).fma(q, x11);
            x12 = FloatVector.broadcast(FLOATS, k[x + 12 * PITCH]).fma(q, x12);
            x13 = FloatVector.broadcast(FLOATS, k[x + 13 * PITCH]).fma(q, x13);
            x14 = FloatVector.broadcast(FLOATS, k[x + 14 * PITCH]).fma(q, x14);
            x15 = FloatVector.broadcast(FLOATS, k[x + 15 * PITCH]).fma(q, x15);
        }
        x0.intoArray(s, at);
        x1.intoArray(s, at + LENGTH);
        x2.intoArray(s, at + 2 * LENGTH);
        x3.intoArray(s, at + 3 * LENGTH);
        x4.intoArray(s, at + 4 * LENGTH);
        x5.intoArray(s, at + 5 * LENGTH);
        x6.intoArray(s, at + 6 * LENGTH);
        x7.intoArray(s, at + 7 * LENGTH);
        x8.intoArray(s, at + 8 * LENGTH);
        x9.intoArray(s, at + 9 * LENGTH);
        x10.intoArray(s, at + 10 * LENGTH);
        x11.intoArray(s, at + 11 * LENGTH);
        x12.intoArray(s, at + 12 * LENGTH);
        x13.intoArray(s, at + 13 * LENGTH);
        x14.intoArray(s, at + 14 * LENGTH);
        x15.intoArray(s, at + 15 * LENGTH);
        x0 = x0.blend(x1, x1.compare(VectorOperators.GT, x0));
        x2 = x2.blend(x3, x3.compare(VectorOperators.GT, x2));
        x4 = x4.blend(x5, x5.compare(VectorOperators.GT, x4));
        x6 = x6.blend(x7, x7.compare(VectorOperators.GT, x6));
        x8 = x8.blend(x9, x9.compare(VectorOperators.GT, x8));
        x10 = x10.blend(x11, x11.compare(VectorOperators.GT, x10));
        x12 = x12.blend(x13, x13.compare(VectorOperators.GT, x12));
        x14 = x14.blend(x15, x15.compare(VectorOperators.GT, x14));
        x0 = x0.blend(x2, x2.compare(VectorOperators.GT, x0));
        x4 = x4.blend(x6, x6.compare(VectorOperators.GT, x4));
        x8 = x8.blend(x10, x10.compare(VectorOperators.GT, x8));
        x12 = x12.blend(x14, x14.compare(VectorOperators.GT, x12));
        x0 = x0.blend(x4, x4.compare(VectorOperators.GT, x0));
        x8 = x8.blend(x12, x12.compare(VectorOperators.GT, x8));
        x0 = x0.blend(x8, x8.compare(VectorOperators.GT, x0));
        FloatVector t = FloatVector.fromArray(FLOATS, top, 0);
        t.blend(x0, x0.compare(VectorOperators.GT, t)).intoArray(top, 0);
    }

    private static void scores8(float[] k, int k0, int dim, float[] qt, float[] s, int at, float[] top) {
        FloatVector x0 = FloatVector.zero(FLOATS);
        FloatVector x1 = FloatVector.zero(FLOATS);
        FloatVector x2 = FloatVector.zero(FLOATS);
        FloatVector x3 = FloatVector.zero(FLOATS);
        FloatVector x4 = FloatVector.zero(FLOATS);
        FloatVector x5 = FloatVector.zero(FLOATS);
        FloatVector x6 = FloatVector.zero(FLOATS);
        FloatVector x7 = FloatVector.zero(FLOATS);
        int end = Math.min(dim, PITCH); // as it is: of so short a loop the compiler makes one, not a loop in a loop
        for (int d = 0; d < end; d++) {
            int x = k0 + d;
            FloatVector q = FloatVector.fromArray(FLOATS, qt, d * LENGTH);
            x0 = FloatVector.broadcast(FLOATS, k[x]).fma(q, x0);
            x1 = FloatVector.broadcast(FLOATS, k[x + PITCH]).fma(q, x1);
            x2 = FloatVector.broadcast(FLOATS, k[x + 2 * PITCH]).fma(q, x2);
            x3 = FloatVector.broadcast(FLOATS, k[x + 3 * PITCH]).fma(q, x3);
            x4 = FloatVector.broadcast(FLOATS, k[x + 4 * PITCH]).fma(q, x4);
            x5 = FloatVector.broadcast(FLOATS, k[x + 5 * PITCH]).fma(q, x5);
            x6 = FloatVector.broadcast(FLOATS, k[x + 6 * PITCH]).fma(q, x6);
            x7 = FloatVector.broadcast(FLOATS, k[x + 7 * PITCH]).fma(q, x7);
        }
        x0.intoArray(s, at);
        x1.intoArray(s, at + LENGTH);
        x2.intoArray(s, at + 2 * LENGTH);
        x3.intoArray(s, at + 3 * LENGTH);
        x4.intoArray(s, at + 4 * LENGTH);
        x5.intoArray(s, at + 5 * LENGTH);
        x6.intoArray(s, at + 6 * LENGTH);
        x7.intoArray(s, at + 7 * LENGTH);
        x0 = x0.blend(x1, x1.compare(VectorOperators.GT, x0));
        x2 = x2.blend(x3, x3.compare(VectorOperators.GT, x2));
        x4 = x4.blend(x5, x5.compare(VectorOperators.GT, x4));
        x6 = x6.blend(x7, x7.compare(VectorOperators.GT, x6));
        x0 = x0.blend(x2, x2.compare(VectorOperators.GT, x0));
        x4 = x4.blend(x6, x6.compare(VectorOperators.GT, x4));
        x0 = x0.blend(x4, x4.compare(VectorOperators.GT, x0));
        FloatVector t = FloatVector.fromArray(FLOATS, top, 0);
        t.blend(x0, x0.compare(VectorOperators.GT, t)).intoArray(top, 0);
    }

    private static void values8(
            MemorySegment v,
            long first,
            long stride,
            int keys,
            float[] p,
            int lane,
            float[] factor,
            float[] o,
            int at,
            int pitch,
            float[] found) {
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
        FloatVector x60 = FloatVector.zero(FLOATS);
        FloatVector x61 = FloatVector.zero(FLOATS);
        FloatVector x70 = FloatVector.zero(FLOATS);
        FloatVector x71 = FloatVector.zero(FLOATS);
        int end = Math.min(keys, MOST_KEYS) * LENGTH;
        long value = first;
        for (int j = 0; j < end; j += LENGTH) {
            int row = lane + j;
            FloatVector y0 = FloatVector.fromMemorySegment(FLOATS, v, value, ORDER);
            FloatVector y1 = FloatVector.fromMemorySegment(FLOATS, v, value + 4L * LENGTH, ORDER);
            FloatVector b = FloatVector.broadcast(FLOATS, p[row]);
            x00 = b.fma(y0, x00);
            x01 = b.fma(y1, x01);
            b = FloatVector.broadcast(FLOATS, p[row + 1]);
            x10 = b.fma(y0, x10);
            x11 = b.fma(y1, x11);
            b = FloatVector.broadcast(FLOATS, p[row + 2]);
            x20 = b.fma(y0, x20);
            x21 = b.fma(y1, x21);
            b = FloatVector.broadcast(FLOATS, p[row + 3]);
            x30 = b.fma(y0, x30);
            x31 = b.fma(y1, x31);
            b = FloatVector.broadcast(FLOATS, p[row + 4]);
            x40 = b.fma(y0, x40);
            x41 = b.fma(y1, x41);
            b = FloatVector.broadcast(FLOATS, p[row + 5]);
            x50 = b.fma(y0, x50);
            x51 = b.fma(y1, x51);
            b = FloatVector.broadcast(FLOATS, p[row + 6]);
            x60 = b.fma(y0, x60);
            x61 = b.fma(y1, x61);
            b = FloatVector.broadcast(FLOATS, p[row + 7]);
            x70 = b.fma(y0, x70);
            x71 = b.fma(y1, x71);
            value += stride;
        }
        x00 = x00.mul(factor[lane]);
        x01 = x01.mul(factor[lane]);
        x00.intoArray(o, at);
        x01.intoArray(o, at + LENGTH);
        at += pitch;
        x10 = x10.mul(factor[lane + 1]);
        x11 = x11.mul(factor[lane + 1]);
        x10.intoArray(o, at);
        x11.intoArray(o, at + LENGTH);
        at += pitch;
        x20 = x20.mul(factor[lane + 2]);
        x21 = x21.mul(factor[lane + 2]);
        x20.intoArray(o, at);
        x21.intoArray(o, at + LENGTH);
        at += pitch;
        x30 = x30.mul(factor[lane + 3]);
        x31 = x31.mul(factor[lane + 3]);
        x30.intoArray(o, at);
        x31.intoArray(o, at + LENGTH);
        at += pitch;
        x40 = x40.mul(factor[lane + 4]);
        x41 = x41.mul(factor[lane + 4]);
        x40.intoArray(o, at);
        x41.intoArray(o, at + LENGTH);
        at += pitch;
        x50 = x50.mul(factor[lane + 5]);
        x51 = x51.mul(factor[lane + 5]);
        x50.intoArray(o, at);
        x51.intoArray(o, at + LENGTH);
        at += pitch;
        x60 = x60.mul(factor[lane + 6]);
        x61 = x61.mul(factor[lane + 6]);
        x60.intoArray(o, at);
        x61.intoArray(o, at + LENGTH);
        at += pitch;
        x70 = x70.mul(factor[lane + 7]);
        x71 = x71.mul(factor[lane + 7]);
        x70.intoArray(o, at);
        x71.intoArray(o, at + LENGTH);
        x00 = x00.add(x01);
        x10 = x10.add(x11);
        x20 = x20.add(x21);
        x30 = x30.add(x31);
        x40 = x40.add(x41);
        x50 = x50.add(x51);
        x60 = x60.add(x61);
        x70 = x70.add(x71);
        x00 = x00.add(x10);
        x20 = x20.add(x30);
        x40 = x40.add(x50);
        x60 = x60.add(x70);
        x00 = x00.add(x20);
        x40 = x40.add(x60);
        x00 = x00.add(x40);
        x00.add(FloatVector.fromArray(FLOATS, found, 0)).intoArray(found, 0);
    }
}
