package dev.fovea.cpu;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** Quantised storage as numbers, in vectors; the rest of a row by the plain loops, which have the same bits. */
final class VectorCodes extends Codes {
    private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
    private static final VectorSpecies<Integer> INTS = Species.INTS;
    private static final int LENGTH = Species.LENGTH;

    /** As many bytes as there are lanes; with fewer than 64 bits of them the smallest shape, a part of which is used. */
    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, LENGTH * 8)));

    private static final VectorShuffle<Integer> LOWER_TWICE = VectorShuffle.fromOp(INTS, i -> i / 2);
    private static final VectorShuffle<Integer> UPPER_TWICE = VectorShuffle.fromOp(INTS, i -> LENGTH / 2 + i / 2);
    private static final IntVector NIBBLE =
            IntVector.zero(INTS).addIndex(1).and(1).mul(4);

    @Override
    void fromInt8(byte[] from, int at, float[] to, int start, int n, float scale, float zero) {
        int whole = wholeInt8(from, at, to, start, readable(from, at, n, LENGTH), scale, zero);
        super.fromInt8(from, at + whole, to, start + whole, n - whole, scale, zero);
    }

    /** Elements of whole vectors of codes, {@code step} to a vector, whose load stays inside the array. */
    private static int readable(byte[] from, int at, int n, int step) {
        int end = n - n % step;
        while (end > 0 && at + (end - step) * LENGTH / step + BYTES.length() > from.length) {
            end -= step;
        }
        return end;
    }

    private static int wholeInt8(byte[] from, int at, float[] to, int start, int end, float scale, float zero) {
        for (int i = 0; i < end; i += LENGTH) {
            FloatVector x = (FloatVector)
                    ByteVector.fromArray(BYTES, from, at + i).convertShape(VectorOperators.B2F, FLOATS, 0);
            x.sub(zero).mul(scale).intoArray(to, start + i);
        }
        return end;
    }

    @Override
    void fromInt4(byte[] from, int at, float[] to, int start, int n, float scale, float zero) {
        int whole = wholeInt4(from, at, to, start, readable(from, at, n, 2 * LENGTH), scale, zero);
        super.fromInt4(from, at + whole / 2, to, start + whole, n - whole, scale, zero);
    }

    private static int wholeInt4(byte[] from, int at, float[] to, int start, int end, float scale, float zero) {
        for (int i = 0; i < end; i += 2 * LENGTH) {
            IntVector x = (IntVector)
                    ByteVector.fromArray(BYTES, from, at + (i >> 1)).convertShape(VectorOperators.B2I, INTS, 0);
            IntVector a = x.rearrange(LOWER_TWICE)
                    .lanewise(VectorOperators.LSHR, NIBBLE)
                    .and(15);
            IntVector b = x.rearrange(UPPER_TWICE)
                    .lanewise(VectorOperators.LSHR, NIBBLE)
                    .and(15);
            ((FloatVector) a.convert(VectorOperators.I2F, 0))
                    .sub(zero)
                    .mul(scale)
                    .intoArray(to, start + i);
            ((FloatVector) b.convert(VectorOperators.I2F, 0))
                    .sub(zero)
                    .mul(scale)
                    .intoArray(to, start + i + LENGTH);
        }
        return end;
    }

    @Override
    void fromFp8(byte[] from, int at, float[] to, int start, int n, float scale) {
        int whole = wholeFp8(from, at, to, start, readable(from, at, n, LENGTH), scale);
        super.fromFp8(from, at + whole, to, start + whole, n - whole, scale);
    }

    private static int wholeFp8(byte[] from, int at, float[] to, int start, int end, float scale) {
        for (int i = 0; i < end; i += LENGTH) {
            IntVector x =
                    (IntVector) ByteVector.fromArray(BYTES, from, at + i).convertShape(VectorOperators.B2I, INTS, 0);
            IntVector magnitude = x.and(0x7f);
            IntVector sign = x.and(0x80000000);
            FloatVector small = ((FloatVector) magnitude.convert(VectorOperators.I2F, 0)).mul(0x1p-9f);
            IntVector normal = magnitude.lanewise(VectorOperators.LSHL, 20).add(120 << 23);
            VectorMask<Integer> nan = magnitude.compare(VectorOperators.EQ, 0x7f);
            normal = normal.blend(0x7fc00000, nan);
            VectorMask<Integer> subnormal = magnitude.compare(VectorOperators.LT, 8);
            IntVector bits = normal.blend(small.reinterpretAsInts(), subnormal).or(sign);
            bits.reinterpretAsFloats().mul(scale).intoArray(to, start + i);
        }
        return end;
    }
}
