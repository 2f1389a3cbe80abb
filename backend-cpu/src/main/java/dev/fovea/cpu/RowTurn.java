package dev.fovea.cpu;

import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeyArguments;
import dev.fovea.api.spec.KeySource.Rotary;
import dev.fovea.api.spec.RotarySpec.Pairing;
import dev.fovea.cpu.Scratch.Role;
import org.jspecify.annotations.Nullable;

/** Rotary embedding of rows that were just loaded, in f32 and in place; see {@link dev.fovea.api.spec.RotarySpec}. */
record RowTurn(Rotary rotary, Strided cosines, Strided sines) {

    /** Null where nothing turns. */
    static @Nullable RowTurn of(AttentionSpec spec, KeyArguments a) {
        Rotary rotary = spec.source().rotary().orElse(null);
        Tensor cosines = a.cosines();
        Tensor sines = a.sines();
        return rotary == null || cosines == null || sines == null
                ? null
                : new RowTurn(rotary, Strided.of(cosines), Strided.of(sines));
    }

    /** Turns the row that begins at {@code at}. */
    void turn(float[] rows, int at, int position, Scratch scratch) {
        turn(rows, at, 0, 1, null, position, scratch);
    }

    /**
     * Turns n rows, {@code pitch} floats apart.
     *
     * @param positions of each row; null where they are {@code first} and so on
     */
    void turn(float[] rows, int at, int pitch, int n, int @Nullable [] positions, int first, Scratch scratch) {
        int pairs = rotary.pairs();
        float[] cos = scratch.floats(Role.COSINES, pairs);
        float[] sin = scratch.floats(Role.SINES, pairs);
        float[] turned = scratch.floats(Role.TURNED, rotary.dim());
        for (int i = 0; i < n; i++) {
            int p = positions == null ? first + i : positions[i];
            cosines.read(cosines.at(p, 0, 0, 0), cos, pairs);
            sines.read(sines.at(p, 0, 0, 0), sin, pairs);
            turn(rotary.pairing(), rows, at + i * pitch, turned, cos, sin, pairs);
            System.arraycopy(turned, 0, rows, at + i * pitch, rotary.dim());
        }
    }

    /** Turns one row from place {@code at} of x to the start of y, another array: the compiler vectorises nothing else. */
    static void turn(Pairing pairing, float[] x, int at, float[] y, float[] cos, float[] sin, int pairs) {
        if (pairing == Pairing.HALVES) {
            halves(x, at, y, cos, sin, pairs);
        } else {
            neighbours(x, at, y, cos, sin, pairs);
        }
    }

    private static void halves(float[] x, int a, float[] y, float[] cos, float[] sin, int pairs) {
        int b = a + pairs;
        for (int r = 0; r < pairs; r++) {
            y[r] = x[a + r] * cos[r] - x[b + r] * sin[r];
        }
        for (int r = 0; r < pairs; r++) {
            y[r + pairs] = x[b + r] * cos[r] + x[a + r] * sin[r];
        }
    }

    private static void neighbours(float[] x, int at, float[] y, float[] cos, float[] sin, int pairs) {
        for (int r = 0; r < pairs; r++) {
            float a = x[at + 2 * r];
            float b = x[at + 2 * r + 1];
            y[2 * r] = a * cos[r] - b * sin[r];
            y[2 * r + 1] = b * cos[r] + a * sin[r];
        }
    }
}
