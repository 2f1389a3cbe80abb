package dev.fovea.cpu;

import dev.fovea.api.HalfFloats;

/** Conversions of 16-bit storage, round to nearest even; the compiler makes vectors of those of f16. */
class Halves {
    final void fromF16(short[] from, float[] to, int start, int n) {
        for (int i = 0; i < n; i++) {
            to[start + i] = Float.float16ToFloat(from[i]);
        }
    }

    final void toF16(float[] from, int start, short[] to, int n) {
        for (int i = 0; i < n; i++) {
            to[i] = Float.floatToFloat16(from[start + i]);
        }
    }

    void fromBf16(short[] from, float[] to, int start, int n) {
        for (int i = 0; i < n; i++) {
            to[start + i] = HalfFloats.fromBf16(from[i]);
        }
    }

    void toBf16(float[] from, int start, short[] to, int n) {
        for (int i = 0; i < n; i++) {
            to[i] = HalfFloats.toBf16(from[start + i]);
        }
    }
}
