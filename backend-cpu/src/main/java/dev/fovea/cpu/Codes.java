package dev.fovea.cpu;

/** Rows of quantised storage as numbers: plain loops. A difference and a product, each rounded, so that every path has the same bits. */
class Codes {
    /** Bytes beyond the rows that an array of them must have, so that whole vectors can be loaded at the end. */
    static final int SLACK = 64;

    /**
     * {@code to[start + i * pitch + d] = scale[i] * (from[i * length + d] - zero[i])}.
     *
     * @param length bytes of a row
     * @param n columns
     */
    void fromInt8(
            byte[] from, int length, float[] to, int start, int pitch, int rows, int n, float[] scale, float[] zero) {
        for (int i = 0; i < rows; i++) {
            int8(from, i * length, to, start + i * pitch, 0, n, scale[i], zero[i]);
        }
    }

    /** Likewise for unsigned 4-bit numbers, the low nibble first. */
    void fromInt4(
            byte[] from, int length, float[] to, int start, int pitch, int rows, int n, float[] scale, float[] zero) {
        for (int i = 0; i < rows; i++) {
            int4(from, i * length, to, start + i * pitch, 0, n, scale[i], zero[i]);
        }
    }

    void fromFp8(byte[] from, int length, float[] to, int start, int pitch, int rows, int n, float scale) {
        for (int i = 0; i < rows; i++) {
            fp8(from, i * length, to, start + i * pitch, 0, n, scale);
        }
    }

    static void int8(byte[] from, int at, float[] to, int start, int first, int n, float scale, float zero) {
        for (int d = first; d < n; d++) {
            to[start + d] = (from[at + d] - zero) * scale;
        }
    }

    static void int4(byte[] from, int at, float[] to, int start, int first, int n, float scale, float zero) {
        for (int d = first; d < n; d++) {
            to[start + d] = ((from[at + (d >> 1)] >> 4 * (d & 1) & 15) - zero) * scale;
        }
    }

    static void fp8(byte[] from, int at, float[] to, int start, int first, int n, float scale) {
        for (int d = first; d < n; d++) {
            to[start + d] = Fp8.toFloat(from[at + d]) * scale;
        }
    }
}
