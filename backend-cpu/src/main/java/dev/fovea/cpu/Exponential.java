package dev.fovea.cpu;

/**
 * Exponential functions of the scalar path. Plain multiply and add, so that the bits are the same in the interpreter, in compiled code
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
}
