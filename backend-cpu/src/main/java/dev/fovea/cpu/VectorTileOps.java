package dev.fovea.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** The operations that the compiler does not turn into vectors by itself; those that do not fill vectors stay plain loops. */
final class VectorTileOps extends TileOps {
    private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
    private static final VectorSpecies<Integer> INTS = Species.INTS;
    private static final int LENGTH = Species.LENGTH;

    @Override
    void tanh(float[] a, float[] out, int n) {
        if (n % LENGTH == 0) {
            tanhVectors(a, out, n);
        } else {
            super.tanh(a, out, n);
        }
    }

    private static void tanhVectors(float[] a, float[] out, int n) {
        FloatVector one = FloatVector.broadcast(FLOATS, 1f);
        for (int i = 0; i < n; i += LENGTH) {
            FloatVector x = FloatVector.fromArray(FLOATS, a, i);
            FloatVector b = x.abs();
            FloatVector square = x.mul(x);
            FloatVector small = FloatVector.broadcast(FLOATS, Exponential.T5)
                    .fma(square, FloatVector.broadcast(FLOATS, Exponential.T4))
                    .fma(square, FloatVector.broadcast(FLOATS, Exponential.T3))
                    .fma(square, FloatVector.broadcast(FLOATS, Exponential.T2))
                    .fma(square, FloatVector.broadcast(FLOATS, Exponential.T1))
                    .mul(square)
                    .fma(x, x);
            FloatVector t = b.blend(Exponential.TANH_ONE, b.compare(VectorOperators.GT, Exponential.TANH_ONE))
                    .mul(2 * Exponential.LOG2E);
            FloatVector z = t.add(Exponential.ROUND);
            FloatVector y = t.sub(z.sub(Exponential.ROUND));
            FloatVector p = FloatVector.broadcast(FLOATS, Exponential.C6)
                    .fma(y, FloatVector.broadcast(FLOATS, Exponential.C5))
                    .fma(y, FloatVector.broadcast(FLOATS, Exponential.C4))
                    .fma(y, FloatVector.broadcast(FLOATS, Exponential.C3))
                    .fma(y, FloatVector.broadcast(FLOATS, Exponential.C2))
                    .fma(y, FloatVector.broadcast(FLOATS, Exponential.C1))
                    .fma(y, one);
            p = p.mul(z.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            FloatVector large = one.sub(FloatVector.broadcast(FLOATS, 2f).div(p.add(1f)));
            large = large.blend(large.neg(), x.compare(VectorOperators.LT, 0f));
            large.blend(small, b.compare(VectorOperators.LE, Exponential.TANH_SMALL))
                    .intoArray(out, i);
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
}
