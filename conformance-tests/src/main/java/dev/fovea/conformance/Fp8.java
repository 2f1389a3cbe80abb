package dev.fovea.conformance;

/** OCP 8-bit floating point E4M3FN: sign, 4 exponent bits of bias 7, 3 mantissa bits; no infinities, NaN = all ones. */
final class Fp8 {
    private Fp8() {}

    static double decode(int code) {
        int exponent = code >> 3 & 15;
        int mantissa = code & 7;
        if (exponent == 15 && mantissa == 7) {
            return Double.NaN;
        }
        double magnitude = exponent == 0 ? Math.scalb(mantissa, -9) : Math.scalb(8 + mantissa, exponent - 10);
        return (code & 128) != 0 ? -magnitude : magnitude;
    }

    /** The nearest code, even mantissa in a tie, the largest finite one beyond the range. */
    static int encode(double x) {
        if (Double.isNaN(x)) {
            return 127;
        }
        int sign = Math.copySign(1, x) < 0 ? 128 : 0;
        double a = Math.abs(x);
        int best = 0;
        for (int code = 1; code < 127; code++) {
            double error = Math.abs(decode(code) - a);
            double least = Math.abs(decode(best) - a);
            if (error < least || error == least && code % 2 == 0) {
                best = code;
            }
        }
        return sign | (a >= 448 ? 126 : best);
    }
}
