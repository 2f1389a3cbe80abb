package dev.fovea.api;

/** Conversions between f32 and 16-bit storage: round to nearest even, NaN stays NaN, subnormals kept. */
public final class HalfFloats {
    private HalfFloats() {}

    public static short toBf16(float x) {
        int bits = Float.floatToRawIntBits(x);
        if (Float.isNaN(x)) {
            return (short) (bits >> 16 | 0x40); // rounding could carry a NaN's mantissa into infinity
        }
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }

    public static float fromBf16(short x) {
        return Float.intBitsToFloat(x << 16);
    }

    /** The nearest value that the storage type holds. */
    public static float rounded(float x, DType storage) {
        return switch (storage) {
            case F16 -> Float.float16ToFloat(Float.floatToFloat16(x));
            case BF16 -> fromBf16(toBf16(x));
            default -> x;
        };
    }

    static void pack(float[] from, DType dtype, short[] to) {
        for (int i = 0; i < from.length; i++) {
            to[i] = dtype == DType.F16 ? Float.floatToFloat16(from[i]) : toBf16(from[i]);
        }
    }
}
