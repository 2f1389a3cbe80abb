package dev.fovea.cpu;

import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Patterns of sums across lanes. Two vectors become one whose lower half has half sums of the first and whose upper half has those of
 * the second; again with quarters, and so on. The order of the additions is fixed, in the interpreter too.
 */
final class Fold {
    private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
    private static final int LENGTH = Species.LENGTH;

    static final VectorShuffle<Float> HALF = swap(LENGTH / 2);
    static final VectorShuffle<Float> QUARTER = swap(LENGTH / 4);
    static final VectorShuffle<Float> EIGHTH = swap(LENGTH / 8);
    static final VectorShuffle<Float> SIXTEENTH = swap(LENGTH / 16);
    static final VectorMask<Float> UPPER_HALF = upper(LENGTH / 2);
    static final VectorMask<Float> UPPER_QUARTERS = upper(LENGTH / 4);
    static final VectorMask<Float> UPPER_EIGHTHS = upper(LENGTH / 8);

    /** Floats that a fold of eight vectors takes. */
    static final int SIZE = Math.max(8, LENGTH);

    private Fold() {}

    private static VectorShuffle<Float> swap(int distance) {
        return VectorShuffle.fromOp(FLOATS, i -> i ^ distance);
    }

    private static VectorMask<Float> upper(int part) {
        boolean[] set = new boolean[LENGTH];
        for (int i = 0; i < LENGTH; i++) {
            set[i] = (i & part) != 0;
        }
        return VectorMask.fromArray(FLOATS, set, 0);
    }

    /** Puts the folded sums of two keys and four rows to the rows, {@code pitch} apart. */
    static void toRows(float[] t, float[] s, int at, int pitch) {
        if (LENGTH == 4) { // rows 0 and 2 are in the first vector, 1 and 3 in the second
            s[at] = t[0];
            s[at + 1] = t[2];
            s[at + pitch] = t[4];
            s[at + pitch + 1] = t[6];
            s[at + 2 * pitch] = t[1];
            s[at + 2 * pitch + 1] = t[3];
            s[at + 3 * pitch] = t[5];
            s[at + 3 * pitch + 1] = t[7];
            return;
        }
        int unit = LENGTH / 8;
        int b = LENGTH / 2;
        s[at] = t[0];
        s[at + 1] = t[b];
        s[at + pitch] = t[unit];
        s[at + pitch + 1] = t[b + unit];
        s[at + 2 * pitch] = t[2 * unit];
        s[at + 2 * pitch + 1] = t[b + 2 * unit];
        s[at + 3 * pitch] = t[3 * unit];
        s[at + 3 * pitch + 1] = t[b + 3 * unit];
    }
}
