package dev.fovea.cpu;

/** OCP 8-bit floating point E4M3FN: no infinities, NaN is all ones but the sign, largest value 448. */
final class Fp8 {
    private static final float LARGEST = 448;
    private static final int LEAST_EXPONENT = -6;

    private Fp8() {}

    static float toFloat(byte code) {
        int magnitude = code & 0x7f;
        float x;
        if (magnitude == 0x7f) {
            x = Float.NaN;
        } else if (magnitude < 8) {
            x = magnitude * 0x1p-9f;
        } else {
            x = Float.intBitsToFloat((magnitude << 20) + (120 << 23));
        }
        return code < 0 ? -x : x;
    }

    /** Rounds to nearest even and saturates, infinities too. */
    static byte of(double x) {
        int sign = Double.doubleToRawLongBits(x) < 0 ? 0x80 : 0;
        double a = Math.abs(x);
        if (Double.isNaN(a)) {
            return (byte) (sign | 0x7f);
        }
        if (a >= LARGEST) {
            return (byte) (sign | 0x7e);
        }
        int exponent = Math.max(Math.getExponent(a), LEAST_EXPONENT);
        int eighths = (int) StrictMath.rint(Math.scalb(a, 3 - exponent)); // 8 to 16, fewer for a subnormal number
        return (byte) (sign | (exponent - LEAST_EXPONENT) * 8 + eighths);
    }
}
