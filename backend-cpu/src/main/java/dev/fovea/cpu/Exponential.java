package dev.fovea.cpu;

/**
 * Exponential functions and logarithms of the scalar path. Plain multiply and add, so that the bits are the same in the interpreter, in compiled code
 * and on processors without FMA; the library's own are not.
 */
final class Exponential {
    static final float LOG2E = 1.442695f;

    /** 1.5 * 2^23 + 127: adding it rounds to an integer n and leaves n + 127, the exponent of 2^n, in the low bits. */
    static final float ROUND = 12582912f + 127;

    static final float C1 = 0.6931472f;
    static final float C2 = 0.24022646f;
    static final float C3 = 0.055503286f;
    static final float C4 = 0.009618489f;
    static final float C5 = 0.0013399931f;
    static final float C6 = 0.00015345812f;

    /** Beyond it tanh rounds to 1. */
    static final float TANH_ONE = 9.5f;

    /** Up to it tanh is a polynomial, since 1 - 2 / (e^2x + 1) cancels. */
    static final float TANH_SMALL = 0.625f;

    static final float T1 = -0.3333328f;
    static final float T2 = 0.13331442f;
    static final float T3 = -0.05373972f;
    static final float T4 = 0.02063909f;
    static final float T5 = -0.0057049887f;

    /** ln 2 in two parts: the upper one has so few bits that its products with exponents are exact. */
    static final float LN2_HIGH = 0.6933594f;

    static final float LN2_LOW = -0.00021219444f;

    /** From it on e^x is infinite. */
    static final float EXP_INFINITE = 88.72284f;

    /** Below it e^x is subnormal and becomes 0. */
    static final float EXP_ZERO = -87.33654f;

    /** From it on 2^n may be beyond the exponents, so that half of it is multiplied and doubled. */
    static final float EXP_HALVED = 88;

    static final float EXP2_HALVED = 127;

    /** One step of an exponent in the bits of a float. */
    static final int EXPONENT_ONE = 1 << 23;

    /** Bits of sqrt(1/2): what is taken off them leaves the exponent of a mantissa between it and sqrt(2). */
    static final int ROOT_HALF = 0x3f3504f3;

    static final int MANTISSA = 0x007fffff;

    /** Lifts subnormal numbers into the normal ones. */
    static final float SUBNORMAL_SCALE = 8388608f;

    static final float L0 = 0.3333333f;
    static final float L1 = -0.24999994f;
    static final float L2 = 0.20000714f;
    static final float L3 = -0.16668057f;
    static final float L4 = 0.14249323f;
    static final float L5 = -0.12420141f;
    static final float L6 = 0.116769984f;
    static final float L7 = -0.1151461f;
    static final float L8 = 0.070376836f;

    /** log2(e) - 1: the products with it are small beside what they are added to. */
    static final float LOG2E_LESS_1 = 0.44269505f;

    private Exponential() {}

    /** 2^t for t up to 126, relative error below 1.5e-7; 0 below -126, NaN for NaN. */
    static float exp2(float t) {
        if (t < -126) {
            return 0;
        }
        float z = t + ROUND;
        float f = t - (z - ROUND);
        float p = (((((C6 * f + C5) * f + C4) * f + C3) * f + C2) * f + C1) * f + 1;
        return p * Float.intBitsToFloat(Float.floatToRawIntBits(z) << 23);
    }

    /** Hyperbolic tangent, error of a few ulp; coefficients of Cephes' tanhf for small arguments. */
    static float tanh(float x) {
        float a = Math.abs(x);
        if (a <= TANH_SMALL) {
            float z = x * x;
            return ((((T5 * z + T4) * z + T3) * z + T2) * z + T1) * z * x + x;
        }
        float b = a > TANH_ONE ? TANH_ONE : a;
        float y = 1 - 2 / (exp2(b * (2 * LOG2E)) + 1);
        return x < 0 ? -y : y;
    }

    /** 2^t for any t, relative error below 1.5e-7; subnormal results become 0. */
    static float exp2Wide(float t) {
        if (t < -126) {
            return 0;
        }
        if (t >= 128) {
            return Float.POSITIVE_INFINITY;
        }
        float z = t + ROUND;
        return scaled(t - (z - ROUND), z, t >= EXP2_HALVED);
    }

    /** e^x, error of 2 ulp; subnormal results become 0. */
    static float exp(float x) {
        if (x < EXP_ZERO) {
            return 0;
        }
        if (x >= EXP_INFINITE) {
            return Float.POSITIVE_INFINITY;
        }
        float z = x * LOG2E + ROUND;
        float n = z - ROUND;
        float r = (x - n * LN2_HIGH) - n * LN2_LOW;
        return scaled(r * LOG2E, z, x >= EXP_HALVED);
    }

    private static float scaled(float f, float z, boolean halved) {
        float p = (((((C6 * f + C5) * f + C4) * f + C3) * f + C2) * f + C1) * f + 1;
        int exponent = Float.floatToRawIntBits(z) << 23;
        if (halved) {
            float half = p * Float.intBitsToFloat(exponent - EXPONENT_ONE);
            return half + half;
        }
        return p * Float.intBitsToFloat(exponent);
    }

    /** {@code 1 / (1 + e^-x)}, error of a few ulp. */
    static float sigmoid(float x) {
        return 1 / (1 + exp(-x));
    }

    /** Natural logarithm, error of 2 ulp; Cephes' logf. */
    static float log(float x) {
        if (!(x > 0 && x < Float.POSITIVE_INFINITY)) {
            return logOfOther(x);
        }
        boolean subnormal = x < Float.MIN_NORMAL;
        int bits = Float.floatToRawIntBits(subnormal ? x * SUBNORMAL_SCALE : x) - ROOT_HALF;
        float e = (bits >> 23) - (subnormal ? 23 : 0);
        float m = Float.intBitsToFloat((bits & MANTISSA) + ROOT_HALF) - 1;
        return e * LN2_HIGH + (m + (tail(m) + e * LN2_LOW));
    }

    /** Binary logarithm, error of 2 ulp, exact for powers of 2. */
    static float log2(float x) {
        if (!(x > 0 && x < Float.POSITIVE_INFINITY)) {
            return logOfOther(x);
        }
        boolean subnormal = x < Float.MIN_NORMAL;
        int bits = Float.floatToRawIntBits(subnormal ? x * SUBNORMAL_SCALE : x) - ROOT_HALF;
        float e = (bits >> 23) - (subnormal ? 23 : 0);
        float m = Float.intBitsToFloat((bits & MANTISSA) + ROOT_HALF) - 1;
        float y = tail(m);
        return e + (m + (y + (y * LOG2E_LESS_1 + m * LOG2E_LESS_1)));
    }

    /** {@code log(1 + m) - m}. */
    private static float tail(float m) {
        float square = m * m;
        float p = (((((((L8 * m + L7) * m + L6) * m + L5) * m + L4) * m + L3) * m + L2) * m + L1) * m + L0;
        return p * m * square - 0.5f * square;
    }

    private static float logOfOther(float x) {
        return x == 0 ? Float.NEGATIVE_INFINITY : x > 0 ? x : Float.NaN;
    }
}
