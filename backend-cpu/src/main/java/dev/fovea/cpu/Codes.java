package dev.fovea.cpu;

/** Quantised storage as numbers: plain loops. A difference and a product, each rounded, so that every path has the same bits. */
class Codes {
    /** {@code to[i] = scale * (from[i] - zero)}. */
    void fromInt8(byte[] from, int at, float[] to, int start, int n, float scale, float zero) {
        for (int i = 0; i < n; i++) {
            to[start + i] = (from[at + i] - zero) * scale;
        }
    }

    /** Likewise for unsigned 4-bit numbers, the low nibble first. */
    void fromInt4(byte[] from, int at, float[] to, int start, int n, float scale, float zero) {
        for (int i = 0; i < n; i++) {
            to[start + i] = ((from[at + (i >> 1)] >> 4 * (i & 1) & 15) - zero) * scale;
        }
    }

    void fromFp8(byte[] from, int at, float[] to, int start, int n, float scale) {
        for (int i = 0; i < n; i++) {
            to[start + i] = Fp8.toFloat(from[at + i]) * scale;
        }
    }
}
