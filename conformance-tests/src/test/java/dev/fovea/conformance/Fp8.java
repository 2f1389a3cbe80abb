package dev.fovea.conformance;

/** OCP E4M3FN: 4 exponent bits with bias 7, 3 mantissa bits, no infinities, NaN where all but the sign is 1, largest 448. */
final class Fp8 {
    private Fp8() {}

    static float toFloat(byte bits) {
        int exponent = bits >> 3 & 15;
        int mantissa = bits & 7;
        if (exponent == 15 && mantissa == 7) {
            return Float.NaN;
        }
        float size = exponent == 0 ? Math.scalb(mantissa, -9) : Math.scalb(8 + mantissa, exponent - 10);
        return bits < 0 ? -size : size;
    }

    /** The nearest, even mantissas at ties, saturating. */
    static byte of(float x) {
        if (Float.isNaN(x)) {
            return 0x7f;
        }
        float size = Math.min(Math.abs(x), 448);
        int step = Math.max(Math.getExponent(size), -6) - 3;
        int units = (int) Math.rint(Math.scalb((double) size, -step)); // 0 to 16; 16 carries into the exponent
        int bits = (step + 9) * 8 + units; // a normal mantissa has its leading 8 in the exponent's lowest bit
        return (byte) (Float.floatToRawIntBits(x) < 0 ? bits | 0x80 : bits);
    }
}
