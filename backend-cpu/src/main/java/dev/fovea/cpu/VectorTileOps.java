package dev.fovea.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** The operations that the compiler does not turn into vectors by itself; those that do not fill vectors stay plain loops. */
class VectorTileOps extends TileOps {
    private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
    private static final VectorSpecies<Integer> INTS = Species.INTS;
    private static final int LENGTH = Species.LENGTH;

    @Override
    void tanh(float[] a, float[] out, int n) {
        if (n % LENGTH == 0) {
            VectorFunctions.tanh(a, out, n);
        } else {
            super.tanh(a, out, n);
        }
    }

    @Override
    void exp(float[] a, float[] out, int n) {
        if (n % LENGTH == 0) {
            VectorFunctions.exp(a, out, n);
        } else {
            super.exp(a, out, n);
        }
    }

    @Override
    void exp2(float[] a, float[] out, int n) {
        if (n % LENGTH == 0) {
            VectorFunctions.exp2(a, out, n);
        } else {
            super.exp2(a, out, n);
        }
    }

    @Override
    void sigmoid(float[] a, float[] out, int n) {
        if (n % LENGTH == 0) {
            VectorFunctions.sigmoid(a, out, n);
        } else {
            super.sigmoid(a, out, n);
        }
    }

    @Override
    void log(float[] a, float[] out, int n) {
        if (n % LENGTH == 0) {
            VectorFunctions.log(a, out, n);
        } else {
            super.log(a, out, n);
        }
    }

    @Override
    void log2(float[] a, float[] out, int n) {
        if (n % LENGTH == 0) {
            VectorFunctions.log2(a, out, n);
        } else {
            super.log2(a, out, n);
        }
    }

    @Override
    void lessFloat(float[] a, float[] b, int[] out, int n) {
        if (n % LENGTH == 0) {
            lessVectors(a, b, out, n);
        } else {
            super.lessFloat(a, b, out, n);
        }
    }

    private static void lessVectors(float[] a, float[] b, int[] out, int n) {
        for (int i = 0; i < n; i += LENGTH) {
            VectorMask<Float> m = FloatVector.fromArray(FLOATS, a, i)
                    .compare(VectorOperators.LT, FloatVector.fromArray(FLOATS, b, i));
            IntVector.zero(INTS).blend(-1, m.cast(INTS)).intoArray(out, i);
        }
    }

    @Override
    void lessInt(int[] a, int[] b, int[] out, int n) {
        if (n % LENGTH == 0) {
            lessVectors(a, b, out, n);
        } else {
            super.lessInt(a, b, out, n);
        }
    }

    private static void lessVectors(int[] a, int[] b, int[] out, int n) {
        for (int i = 0; i < n; i += LENGTH) {
            VectorMask<Integer> m =
                    IntVector.fromArray(INTS, a, i).compare(VectorOperators.LT, IntVector.fromArray(INTS, b, i));
            IntVector.zero(INTS).blend(-1, m).intoArray(out, i);
        }
    }

    @Override
    void lessEqualFloat(float[] a, float[] b, int[] out, int n) {
        if (n % LENGTH == 0) {
            lessEqualVectors(a, b, out, n);
        } else {
            super.lessEqualFloat(a, b, out, n);
        }
    }

    private static void lessEqualVectors(float[] a, float[] b, int[] out, int n) {
        for (int i = 0; i < n; i += LENGTH) {
            VectorMask<Float> m = FloatVector.fromArray(FLOATS, a, i)
                    .compare(VectorOperators.LE, FloatVector.fromArray(FLOATS, b, i));
            IntVector.zero(INTS).blend(-1, m.cast(INTS)).intoArray(out, i);
        }
    }

    @Override
    void lessEqualInt(int[] a, int[] b, int[] out, int n) {
        if (n % LENGTH == 0) {
            lessEqualVectors(a, b, out, n);
        } else {
            super.lessEqualInt(a, b, out, n);
        }
    }

    private static void lessEqualVectors(int[] a, int[] b, int[] out, int n) {
        for (int i = 0; i < n; i += LENGTH) {
            VectorMask<Integer> m =
                    IntVector.fromArray(INTS, a, i).compare(VectorOperators.LE, IntVector.fromArray(INTS, b, i));
            IntVector.zero(INTS).blend(-1, m).intoArray(out, i);
        }
    }

    @Override
    void equalFloat(float[] a, float[] b, int[] out, int n) {
        if (n % LENGTH == 0) {
            equalVectors(a, b, out, n);
        } else {
            super.equalFloat(a, b, out, n);
        }
    }

    private static void equalVectors(float[] a, float[] b, int[] out, int n) {
        for (int i = 0; i < n; i += LENGTH) {
            VectorMask<Float> m = FloatVector.fromArray(FLOATS, a, i)
                    .compare(VectorOperators.EQ, FloatVector.fromArray(FLOATS, b, i));
            IntVector.zero(INTS).blend(-1, m.cast(INTS)).intoArray(out, i);
        }
    }

    @Override
    void equalInt(int[] a, int[] b, int[] out, int n) {
        if (n % LENGTH == 0) {
            equalVectors(a, b, out, n);
        } else {
            super.equalInt(a, b, out, n);
        }
    }

    private static void equalVectors(int[] a, int[] b, int[] out, int n) {
        for (int i = 0; i < n; i += LENGTH) {
            VectorMask<Integer> m =
                    IntVector.fromArray(INTS, a, i).compare(VectorOperators.EQ, IntVector.fromArray(INTS, b, i));
            IntVector.zero(INTS).blend(-1, m).intoArray(out, i);
        }
    }

    @Override
    void selectFloat(int[] condition, float[] a, float[] b, float[] out, int n) {
        if (n % LENGTH == 0) {
            selectVectors(condition, a, b, out, n);
        } else {
            super.selectFloat(condition, a, b, out, n);
        }
    }

    private static void selectVectors(int[] condition, float[] a, float[] b, float[] out, int n) {
        for (int i = 0; i < n; i += LENGTH) {
            VectorMask<Float> m = IntVector.fromArray(INTS, condition, i)
                    .compare(VectorOperators.NE, 0)
                    .cast(FLOATS);
            FloatVector.fromArray(FLOATS, b, i)
                    .blend(FloatVector.fromArray(FLOATS, a, i), m)
                    .intoArray(out, i);
        }
    }

    @Override
    void mask(int[] mask, float[] s, int n) {
        if (n % LENGTH == 0) {
            maskVectors(mask, s, n);
        } else {
            super.mask(mask, s, n);
        }
    }

    private static void maskVectors(int[] mask, float[] s, int n) {
        for (int i = 0; i < n; i += LENGTH) {
            VectorMask<Float> hidden = IntVector.fromArray(INTS, mask, i)
                    .compare(VectorOperators.EQ, 0)
                    .cast(FLOATS);
            FloatVector.fromArray(FLOATS, s, i)
                    .blend(Float.NEGATIVE_INFINITY, hidden)
                    .intoArray(s, i);
        }
    }

    @Override
    void dropMasked(float[] s, float[] w, int n) {
        if (n % LENGTH == 0) {
            dropVectors(s, w, n);
        } else {
            super.dropMasked(s, w, n);
        }
    }

    private static void dropVectors(float[] s, float[] w, int n) {
        for (int i = 0; i < n; i += LENGTH) {
            FloatVector.fromArray(FLOATS, w, i)
                    .blend(0f, FloatVector.fromArray(FLOATS, s, i).compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY))
                    .intoArray(w, i);
        }
    }

    @Override
    void expandLanesFloat(float[] a, float[] out, int keys, int lanes) {
        if (lanes % LENGTH != 0) {
            super.expandLanesFloat(a, out, keys, lanes);
            return;
        }
        for (int x = 0; x < lanes; x += LENGTH) {
            repeat(a, x, out, keys, lanes);
        }
    }

    private static void repeat(float[] a, int x, float[] out, int keys, int lanes) {
        FloatVector v = FloatVector.fromArray(FLOATS, a, x);
        for (int k = 0; k < keys; k++) { // a counted loop, see the softmax
            v.intoArray(out, x + k * lanes);
        }
    }

    @Override
    void expandKeysFloat(float[] a, float[] out, int keys, int lanes) {
        if (lanes % LENGTH != 0) {
            super.expandKeysFloat(a, out, keys, lanes);
            return;
        }
        for (int x = 0; x < lanes; x += LENGTH) {
            spread(a, x, out, keys, lanes);
        }
    }

    private static void spread(float[] a, int x, float[] out, int keys, int lanes) {
        for (int k = 0; k < keys; k++) {
            FloatVector.broadcast(FLOATS, a[k]).intoArray(out, x + k * lanes);
        }
    }

    private static boolean squares(int dim, int count) {
        return LENGTH == VectorTranspose16.SIDE && dim % LENGTH == 0 && count % LENGTH == 0;
    }

    @Override
    void toLanesFloat(float[] rows, int keys, float factor, float[] lanes, int count) {
        if (squares(keys, count)) {
            VectorTranspose16.toLanes(rows, keys, factor, lanes, count);
        } else if (keys % 4 == 0) {
            VectorTranspose.toLanes(rows, keys, factor, lanes, count);
        } else {
            super.toLanesFloat(rows, keys, factor, lanes, count);
        }
    }

    @Override
    void fromLanesFloat(float[] lanes, int count, float[] factor, float[] rows, int dim) {
        if (squares(dim, count)) {
            VectorTranspose16.fromLanes(lanes, count, factor, rows, dim);
        } else if (dim % 4 == 0) {
            VectorTranspose.fromLanes(lanes, count, factor, rows, dim);
        } else {
            super.fromLanesFloat(lanes, count, factor, rows, dim);
        }
    }

    @Override
    void expandLanesInt(int[] a, int[] out, int keys, int lanes) {
        if (lanes % LENGTH != 0) {
            super.expandLanesInt(a, out, keys, lanes);
            return;
        }
        for (int x = 0; x < lanes; x += LENGTH) {
            repeat(a, x, out, keys, lanes);
        }
    }

    private static void repeat(int[] a, int x, int[] out, int keys, int lanes) {
        IntVector v = IntVector.fromArray(INTS, a, x);
        for (int k = 0; k < keys; k++) { // a counted loop, see the softmax
            v.intoArray(out, x + k * lanes);
        }
    }

    @Override
    void expandKeysInt(int[] a, int[] out, int keys, int lanes) {
        if (lanes % LENGTH != 0) {
            super.expandKeysInt(a, out, keys, lanes);
            return;
        }
        for (int x = 0; x < lanes; x += LENGTH) {
            spread(a, x, out, keys, lanes);
        }
    }

    private static void spread(int[] a, int x, int[] out, int keys, int lanes) {
        for (int k = 0; k < keys; k++) {
            IntVector.broadcast(INTS, a[k]).intoArray(out, x + k * lanes);
        }
    }

    @Override
    void toLanesInt(int[] rows, int keys, int[] lanes, int count) {
        if (keys % 4 == 0) {
            VectorTranspose.toLanes(rows, keys, lanes, count);
        } else {
            super.toLanesInt(rows, keys, lanes, count);
        }
    }

    @Override
    void truthToLanes(byte[] rows, int keys, int[] work, int[] lanes, int count) {
        if (count % LENGTH == 0) {
            VectorTranspose.truthToLanes(rows, keys, work, lanes, count);
        } else {
            super.truthToLanes(rows, keys, work, lanes, count);
        }
    }
}
