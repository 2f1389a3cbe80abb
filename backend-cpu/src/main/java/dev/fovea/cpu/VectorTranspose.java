package dev.fovea.cpu;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Between rows and lanes, in vectors. */
final class VectorTranspose {
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_128;
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_128;
    private static final VectorSpecies<Integer> WIDE_INTS = Species.INTS;
    private static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_PREFERRED;
    private static final int LENGTH = Species.LENGTH;

    private static final IntVector FIRST_HALVES = IntVector.fromArray(INTS, new int[] {0, 4, 1, 5}, 0);
    private static final IntVector SECOND_HALVES = IntVector.fromArray(INTS, new int[] {2, 6, 3, 7}, 0);
    private static final IntVector FIRST_PAIRS = IntVector.fromArray(INTS, new int[] {0, 1, 4, 5}, 0);
    private static final IntVector SECOND_PAIRS = IntVector.fromArray(INTS, new int[] {2, 3, 6, 7}, 0);

    private VectorTranspose() {}

    /** {@code lanes[d][r] = rows[r][d] * factor}; count and dim are multiples of 4. */
    static void toLanes(float[] rows, int dim, float factor, float[] lanes, int count) {
        for (int r = 0; r < count; r += 4) {
            toFourLanes(rows, r * dim, dim, factor, lanes, r, count);
        }
    }

    private static void toFourLanes(float[] rows, int a, int dim, float factor, float[] lanes, int first, int pitch) {
        FloatVector f = FloatVector.broadcast(FLOATS, factor);
        int b = a + dim;
        int c = b + dim;
        int e = c + dim;
        for (int d = 0; d < dim; d += 4) {
            IntVector v0 = FloatVector.fromArray(FLOATS, rows, a + d).mul(f).reinterpretAsInts();
            IntVector v1 = FloatVector.fromArray(FLOATS, rows, b + d).mul(f).reinterpretAsInts();
            IntVector v2 = FloatVector.fromArray(FLOATS, rows, c + d).mul(f).reinterpretAsInts();
            IntVector v3 = FloatVector.fromArray(FLOATS, rows, e + d).mul(f).reinterpretAsInts();
            IntVector x = FIRST_HALVES.selectFrom(v0, v1);
            IntVector y = FIRST_HALVES.selectFrom(v2, v3);
            IntVector z = SECOND_HALVES.selectFrom(v0, v1);
            IntVector w = SECOND_HALVES.selectFrom(v2, v3);
            int at = first + d * pitch;
            FIRST_PAIRS.selectFrom(x, y).reinterpretAsFloats().intoArray(lanes, at);
            SECOND_PAIRS.selectFrom(x, y).reinterpretAsFloats().intoArray(lanes, at + pitch);
            FIRST_PAIRS.selectFrom(z, w).reinterpretAsFloats().intoArray(lanes, at + 2 * pitch);
            SECOND_PAIRS.selectFrom(z, w).reinterpretAsFloats().intoArray(lanes, at + 3 * pitch);
        }
    }

    /** {@code rows[r][d] = lanes[d][r] * factor[r]}; count and dim are multiples of 4. */
    static void fromLanes(float[] lanes, int count, float[] factor, float[] rows, int dim) {
        for (int r = 0; r < count; r += 4) {
            fromFourLanes(lanes, r, count, factor, rows, r * dim, dim);
        }
    }

    private static void fromFourLanes(
            float[] lanes, int first, int pitch, float[] factor, float[] rows, int a, int dim) {
        FloatVector f = FloatVector.fromArray(FLOATS, factor, first);
        int b = a + dim;
        int c = b + dim;
        int e = c + dim;
        for (int d = 0; d < dim; d += 4) {
            int at = first + d * pitch;
            IntVector v0 = FloatVector.fromArray(FLOATS, lanes, at).mul(f).reinterpretAsInts();
            IntVector v1 =
                    FloatVector.fromArray(FLOATS, lanes, at + pitch).mul(f).reinterpretAsInts();
            IntVector v2 =
                    FloatVector.fromArray(FLOATS, lanes, at + 2 * pitch).mul(f).reinterpretAsInts();
            IntVector v3 =
                    FloatVector.fromArray(FLOATS, lanes, at + 3 * pitch).mul(f).reinterpretAsInts();
            IntVector x = FIRST_HALVES.selectFrom(v0, v1);
            IntVector y = FIRST_HALVES.selectFrom(v2, v3);
            IntVector z = SECOND_HALVES.selectFrom(v0, v1);
            IntVector w = SECOND_HALVES.selectFrom(v2, v3);
            FIRST_PAIRS.selectFrom(x, y).reinterpretAsFloats().intoArray(rows, a + d);
            SECOND_PAIRS.selectFrom(x, y).reinterpretAsFloats().intoArray(rows, b + d);
            FIRST_PAIRS.selectFrom(z, w).reinterpretAsFloats().intoArray(rows, c + d);
            SECOND_PAIRS.selectFrom(z, w).reinterpretAsFloats().intoArray(rows, e + d);
        }
    }

    /** {@code lanes[d][r] = rows[r][d]}; count and dim are multiples of 4. */
    static void toLanes(int[] rows, int dim, int[] lanes, int count) {
        for (int r = 0; r < count; r += 4) {
            toFourLanes(rows, r * dim, dim, lanes, r, count);
        }
    }

    private static void toFourLanes(int[] rows, int a, int dim, int[] lanes, int first, int pitch) {
        int b = a + dim;
        int c = b + dim;
        int e = c + dim;
        for (int d = 0; d < dim; d += 4) {
            IntVector v0 = IntVector.fromArray(INTS, rows, a + d);
            IntVector v1 = IntVector.fromArray(INTS, rows, b + d);
            IntVector v2 = IntVector.fromArray(INTS, rows, c + d);
            IntVector v3 = IntVector.fromArray(INTS, rows, e + d);
            IntVector x = FIRST_HALVES.selectFrom(v0, v1);
            IntVector y = FIRST_HALVES.selectFrom(v2, v3);
            IntVector z = SECOND_HALVES.selectFrom(v0, v1);
            IntVector w = SECOND_HALVES.selectFrom(v2, v3);
            int at = first + d * pitch;
            FIRST_PAIRS.selectFrom(x, y).intoArray(lanes, at);
            SECOND_PAIRS.selectFrom(x, y).intoArray(lanes, at + pitch);
            FIRST_PAIRS.selectFrom(z, w).intoArray(lanes, at + 2 * pitch);
            SECOND_PAIRS.selectFrom(z, w).intoArray(lanes, at + 3 * pitch);
        }
    }

    /**
     * {@code lanes[k][r] = rows[r][k] != 0 ? -1 : 0}: a row becomes 64 bits, and these are spread over the keys.
     *
     * @param rows 64 truth values each
     * @param keys at most 64
     * @param work two ints for each lane
     */
    static void truthToLanes(byte[] rows, int keys, int[] work, int[] lanes, int count) {
        for (int r = 0; r < count; r++) {
            long bits = bits(rows, r * 64);
            work[r] = (int) bits;
            work[count + r] = (int) (bits >>> 32);
        }
        for (int x = 0; x < count; x += LENGTH) {
            spread(work, x, lanes, x, count, Math.min(32, keys));
            spread(work, count + x, lanes, x + 32 * count, count, keys - 32);
        }
    }

    private static long bits(byte[] rows, int at) {
        long bits = 0;
        for (int i = 0; i < 64; i += BYTES.length()) {
            bits |= ByteVector.fromArray(BYTES, rows, at + i)
                            .compare(VectorOperators.NE, (byte) 0)
                            .toLong()
                    << i;
        }
        return bits;
    }

    private static void spread(int[] bits, int x, int[] lanes, int at, int pitch, int keys) {
        IntVector row = IntVector.fromArray(WIDE_INTS, bits, x);
        for (int k = 0; k < keys; k++) {
            row.lanewise(VectorOperators.LSHL, 31 - k)
                    .lanewise(VectorOperators.ASHR, 31)
                    .intoArray(lanes, at + k * pitch);
        }
    }
}
