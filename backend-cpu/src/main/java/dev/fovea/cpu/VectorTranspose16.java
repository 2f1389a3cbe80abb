package dev.fovea.cpu;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/** {@link VectorTranspose} in squares of 16 by 16, whose rows fill vectors of 512 bits; each of four steps swaps quarters half as large. */
final class VectorTranspose16 {
    static final int SIDE = 16;

    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_512;
    static final IntVector FIRST_8 = first(8);
    static final IntVector SECOND_8 = second(8);
    static final IntVector FIRST_4 = first(4);
    static final IntVector SECOND_4 = second(4);
    static final IntVector FIRST_2 = first(2);
    static final IntVector SECOND_2 = second(2);
    static final IntVector FIRST_1 = first(1);
    static final IntVector SECOND_1 = second(1);

    private VectorTranspose16() {}

    private static IntVector first(int half) {
        int[] from = new int[SIDE];
        for (int i = 0; i < SIDE; i++) {
            from[i] = (i & half) == 0 ? i : SIDE + i - half;
        }
        return IntVector.fromArray(IntVector.SPECIES_512, from, 0);
    }

    private static IntVector second(int half) {
        int[] from = new int[SIDE];
        for (int i = 0; i < SIDE; i++) {
            from[i] = (i & half) == 0 ? i + half : SIDE + i;
        }
        return IntVector.fromArray(IntVector.SPECIES_512, from, 0);
    }

    /** {@code lanes[d][r] = rows[r][d] * factor}; count and dim are multiples of 16. */
    static void toLanes(float[] rows, int dim, float factor, float[] lanes, int count) {
        float[] factors = new float[SIDE];
        Arrays.fill(factors, factor);
        for (int r = 0; r < count; r += SIDE) {
            for (int d = 0; d < dim; d += SIDE) {
                transpose(rows, r * dim + d, dim, factors, 0, lanes, d * count + r, count);
            }
        }
    }

    /** {@code rows[r][d] = lanes[d][r] * factor[r]}; count and dim are multiples of 16. */
    static void fromLanes(float[] lanes, int count, float[] factor, float[] rows, int dim) {
        for (int r = 0; r < count; r += SIDE) {
            for (int d = 0; d < dim; d += SIDE) {
                transpose(lanes, d * count + r, count, factor, r, rows, r * dim + d, dim);
            }
        }
    }

    /** {@code to[t0 + c * toPitch + r] = from[f0 + r * fromPitch + c] * factor[c0 + c]} for one square. */
    private static void transpose(
            float[] from, int f0, int fromPitch, float[] factor, int c0, float[] to, int t0, int toPitch) {
        FloatVector f = FloatVector.fromArray(FLOATS, factor, c0);
        IntVector a0 = FloatVector.fromArray(FLOATS, from, f0).mul(f).reinterpretAsInts();
        f0 += fromPitch;
        IntVector a1 = FloatVector.fromArray(FLOATS, from, f0).mul(f).reinterpretAsInts();
        f0 += fromPitch;
        IntVector a2 = FloatVector.fromArray(FLOATS, from, f0).mul(f).reinterpretAsInts();
        f0 += fromPitch;
        IntVector a3 = FloatVector.fromArray(FLOATS, from, f0).mul(f).reinterpretAsInts();
        f0 += fromPitch;
        IntVector a4 = FloatVector.fromArray(FLOATS, from, f0).mul(f).reinterpretAsInts();
        f0 += fromPitch;
        IntVector a5 = FloatVector.fromArray(FLOATS, from, f0).mul(f).reinterpretAsInts();
        f0 += fromPitch;
        IntVector a6 = FloatVector.fromArray(FLOATS, from, f0).mul(f).reinterpretAsInts();
        f0 += fromPitch;
        IntVector a7 = FloatVector.fromArray(FLOATS, from, f0).mul(f).reinterpretAsInts();
        f0 += fromPitch;
        IntVector a8 = FloatVector.fromArray(FLOATS, from, f0).mul(f).reinterpretAsInts();
        f0 += fromPitch;
        IntVector a9 = FloatVector.fromArray(FLOATS, from, f0).mul(f).reinterpretAsInts();
        f0 += fromPitch;
        IntVector a10 = FloatVector.fromArray(FLOATS, from, f0).mul(f).reinterpretAsInts();
        f0 += fromPitch;
        IntVector a11 = FloatVector.fromArray(FLOATS, from, f0).mul(f).reinterpretAsInts();
        f0 += fromPitch;
        IntVector a12 = FloatVector.fromArray(FLOATS, from, f0).mul(f).reinterpretAsInts();
        f0 += fromPitch;
        IntVector a13 = FloatVector.fromArray(FLOATS, from, f0).mul(f).reinterpretAsInts();
        f0 += fromPitch;
        IntVector a14 = FloatVector.fromArray(FLOATS, from, f0).mul(f).reinterpretAsInts();
        f0 += fromPitch;
        IntVector a15 = FloatVector.fromArray(FLOATS, from, f0).mul(f).reinterpretAsInts();
        IntVector b0 = FIRST_8.selectFrom(a0, a8);
        IntVector b8 = SECOND_8.selectFrom(a0, a8);
        IntVector b1 = FIRST_8.selectFrom(a1, a9);
        IntVector b9 = SECOND_8.selectFrom(a1, a9);
        IntVector b2 = FIRST_8.selectFrom(a2, a10);
        IntVector b10 = SECOND_8.selectFrom(a2, a10);
        IntVector b3 = FIRST_8.selectFrom(a3, a11);
        IntVector b11 = SECOND_8.selectFrom(a3, a11);
        IntVector b4 = FIRST_8.selectFrom(a4, a12);
        IntVector b12 = SECOND_8.selectFrom(a4, a12);
        IntVector b5 = FIRST_8.selectFrom(a5, a13);
        IntVector b13 = SECOND_8.selectFrom(a5, a13);
        IntVector b6 = FIRST_8.selectFrom(a6, a14);
        IntVector b14 = SECOND_8.selectFrom(a6, a14);
        IntVector b7 = FIRST_8.selectFrom(a7, a15);
        IntVector b15 = SECOND_8.selectFrom(a7, a15);
        a0 = FIRST_4.selectFrom(b0, b4);
        a4 = SECOND_4.selectFrom(b0, b4);
        a1 = FIRST_4.selectFrom(b1, b5);
        a5 = SECOND_4.selectFrom(b1, b5);
        a2 = FIRST_4.selectFrom(b2, b6);
        a6 = SECOND_4.selectFrom(b2, b6);
        a3 = FIRST_4.selectFrom(b3, b7);
        a7 = SECOND_4.selectFrom(b3, b7);
        a8 = FIRST_4.selectFrom(b8, b12);
        a12 = SECOND_4.selectFrom(b8, b12);
        a9 = FIRST_4.selectFrom(b9, b13);
        a13 = SECOND_4.selectFrom(b9, b13);
        a10 = FIRST_4.selectFrom(b10, b14);
        a14 = SECOND_4.selectFrom(b10, b14);
        a11 = FIRST_4.selectFrom(b11, b15);
        a15 = SECOND_4.selectFrom(b11, b15);
        b0 = FIRST_2.selectFrom(a0, a2);
        b2 = SECOND_2.selectFrom(a0, a2);
        b1 = FIRST_2.selectFrom(a1, a3);
        b3 = SECOND_2.selectFrom(a1, a3);
        b4 = FIRST_2.selectFrom(a4, a6);
        b6 = SECOND_2.selectFrom(a4, a6);
        b5 = FIRST_2.selectFrom(a5, a7);
        b7 = SECOND_2.selectFrom(a5, a7);
        b8 = FIRST_2.selectFrom(a8, a10);
        b10 = SECOND_2.selectFrom(a8, a10);
        b9 = FIRST_2.selectFrom(a9, a11);
        b11 = SECOND_2.selectFrom(a9, a11);
        b12 = FIRST_2.selectFrom(a12, a14);
        b14 = SECOND_2.selectFrom(a12, a14);
        b13 = FIRST_2.selectFrom(a13, a15);
        b15 = SECOND_2.selectFrom(a13, a15);
        a0 = FIRST_1.selectFrom(b0, b1);
        a1 = SECOND_1.selectFrom(b0, b1);
        a2 = FIRST_1.selectFrom(b2, b3);
        a3 = SECOND_1.selectFrom(b2, b3);
        a4 = FIRST_1.selectFrom(b4, b5);
        a5 = SECOND_1.selectFrom(b4, b5);
        a6 = FIRST_1.selectFrom(b6, b7);
        a7 = SECOND_1.selectFrom(b6, b7);
        a8 = FIRST_1.selectFrom(b8, b9);
        a9 = SECOND_1.selectFrom(b8, b9);
        a10 = FIRST_1.selectFrom(b10, b11);
        a11 = SECOND_1.selectFrom(b10, b11);
        a12 = FIRST_1.selectFrom(b12, b13);
        a13 = SECOND_1.selectFrom(b12, b13);
        a14 = FIRST_1.selectFrom(b14, b15);
        a15 = SECOND_1.selectFrom(b14, b15);
        a0.reinterpretAsFloats().intoArray(to, t0);
        t0 += toPitch;
        a1.reinterpretAsFloats().intoArray(to, t0);
        t0 += toPitch;
        a2.reinterpretAsFloats().intoArray(to, t0);
        t0 += toPitch;
        a3.reinterpretAsFloats().intoArray(to, t0);
        t0 += toPitch;
        a4.reinterpretAsFloats().intoArray(to, t0);
        t0 += toPitch;
        a5.reinterpretAsFloats().intoArray(to, t0);
        t0 += toPitch;
        a6.reinterpretAsFloats().intoArray(to, t0);
        t0 += toPitch;
        a7.reinterpretAsFloats().intoArray(to, t0);
        t0 += toPitch;
        a8.reinterpretAsFloats().intoArray(to, t0);
        t0 += toPitch;
        a9.reinterpretAsFloats().intoArray(to, t0);
        t0 += toPitch;
        a10.reinterpretAsFloats().intoArray(to, t0);
        t0 += toPitch;
        a11.reinterpretAsFloats().intoArray(to, t0);
        t0 += toPitch;
        a12.reinterpretAsFloats().intoArray(to, t0);
        t0 += toPitch;
        a13.reinterpretAsFloats().intoArray(to, t0);
        t0 += toPitch;
        a14.reinterpretAsFloats().intoArray(to, t0);
        t0 += toPitch;
        a15.reinterpretAsFloats().intoArray(to, t0);
    }
}
