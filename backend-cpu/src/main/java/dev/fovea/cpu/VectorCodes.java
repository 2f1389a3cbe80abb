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
    void fromInt8(
            byte[] from, int length, float[] to, int start, int pitch, int rows, int n, float[] scale, float[] zero) {
        int whole = n - n % LENGTH;
        for (int i = 0; i < rows; i++) {
            int8Row(from, i * length, to, start + i * pitch, whole, scale[i], zero[i]);
            if (whole < n) {
                int8(from, i * length, to, start + i * pitch, whole, n, scale[i], zero[i]);
            }
        }
    }

    private static void int8Row(byte[] from, int at, float[] to, int start, int end, float scale, float zero) {
        FloatVector z = FloatVector.broadcast(FLOATS, zero);
        FloatVector f = FloatVector.broadcast(FLOATS, scale);
        for (int d = 0; d < end; d += LENGTH) {
            FloatVector x = (FloatVector)
                    ByteVector.fromArray(BYTES, from, at + d).convertShape(VectorOperators.B2F, FLOATS, 0);
            x.sub(z).mul(f).intoArray(to, start + d);
        }
    }

    @Override
    void fromInt4(
            byte[] from, int length, float[] to, int start, int pitch, int rows, int n, float[] scale, float[] zero) {
        int whole = n - n % (2 * LENGTH);
        for (int i = 0; i < rows; i++) {
            int4Row(from, i * length, to, start + i * pitch, whole, scale[i], zero[i]);
            if (whole < n) {
                int4(from, i * length, to, start + i * pitch, whole, n, scale[i], zero[i]);
            }
        }
    }

    private static void int4Row(byte[] from, int at, float[] to, int start, int end, float scale, float zero) {
        FloatVector z = FloatVector.broadcast(FLOATS, zero);
        FloatVector f = FloatVector.broadcast(FLOATS, scale);
        for (int d = 0; d < end; d += 2 * LENGTH) {
            IntVector x = (IntVector)
                    ByteVector.fromArray(BYTES, from, at + (d >> 1)).convertShape(VectorOperators.B2I, INTS, 0);
            IntVector a = x.rearrange(LOWER_TWICE)
                    .lanewise(VectorOperators.LSHR, NIBBLE)
                    .and(15);
            IntVector b = x.rearrange(UPPER_TWICE)
                    .lanewise(VectorOperators.LSHR, NIBBLE)
                    .and(15);
            ((FloatVector) a.convert(VectorOperators.I2F, 0)).sub(z).mul(f).intoArray(to, start + d);
            ((FloatVector) b.convert(VectorOperators.I2F, 0)).sub(z).mul(f).intoArray(to, start + d + LENGTH);
        }
    }

    @Override
    void fromFp8(byte[] from, int length, float[] to, int start, int pitch, int rows, int n, float scale) {
        int whole = n - n % LENGTH;
        for (int i = 0; i < rows; i++) {
            fp8Row(from, i * length, to, start + i * pitch, whole, scale);
            if (whole < n) {
                fp8(from, i * length, to, start + i * pitch, whole, n, scale);
            }
        }
    }

    private static void fp8Row(byte[] from, int at, float[] to, int start, int end, float scale) {
        FloatVector f = FloatVector.broadcast(FLOATS, scale);
        for (int d = 0; d < end; d += LENGTH) {
            IntVector x =
                    (IntVector) ByteVector.fromArray(BYTES, from, at + d).convertShape(VectorOperators.B2I, INTS, 0);
            IntVector magnitude = x.and(0x7f);
            IntVector sign = x.and(0x80000000);
            FloatVector small = ((FloatVector) magnitude.convert(VectorOperators.I2F, 0)).mul(0x1p-9f);
            IntVector normal = magnitude.lanewise(VectorOperators.LSHL, 20).add(120 << 23);
            VectorMask<Integer> nan = magnitude.compare(VectorOperators.EQ, 0x7f);
            normal = normal.blend(0x7fc00000, nan);
            VectorMask<Integer> subnormal = magnitude.compare(VectorOperators.LT, 8);
            IntVector bits = normal.blend(small.reinterpretAsInts(), subnormal).or(sign);
            bits.reinterpretAsFloats().mul(f).intoArray(to, start + d);
        }
    }
}
