package dev.fovea.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The functions of {@link Exponential} in whole vectors. Each loop is written out, since a helper method may or may not be inlined; the
 * library's lane-wise functions have other bits in the interpreter than in compiled code.
 */
final class VectorFunctions {
    private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
    private static final VectorSpecies<Integer> INTS = Species.INTS;
    private static final int LENGTH = Species.LENGTH;

    private VectorFunctions() {}

    static void tanh(float[] a, float[] out, int n) {
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

    static void exp2(float[] a, float[] out, int n) {
        for (int i = 0; i < n; i += LENGTH) {
            FloatVector t = FloatVector.fromArray(FLOATS, a, i);
            FloatVector z = t.add(Exponential.ROUND);
            FloatVector y = t.sub(z.sub(Exponential.ROUND));
            FloatVector p = FloatVector.broadcast(FLOATS, Exponential.C6)
                    .fma(y, FloatVector.broadcast(FLOATS, Exponential.C5))
                    .fma(y, FloatVector.broadcast(FLOATS, Exponential.C4))
                    .fma(y, FloatVector.broadcast(FLOATS, Exponential.C3))
                    .fma(y, FloatVector.broadcast(FLOATS, Exponential.C2))
                    .fma(y, FloatVector.broadcast(FLOATS, Exponential.C1))
                    .fma(y, FloatVector.broadcast(FLOATS, 1f));
            VectorMask<Float> halved = t.compare(VectorOperators.GE, Exponential.EXP2_HALVED);
            IntVector e = z.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
            e = e.blend(e.sub(Exponential.EXPONENT_ONE), halved.cast(INTS));
            p = p.mul(e.reinterpretAsFloats());
            p.blend(p.add(p), halved)
                    .blend(0f, t.compare(VectorOperators.LT, -126f))
                    .blend(Float.POSITIVE_INFINITY, t.compare(VectorOperators.GE, 128f))
                    .intoArray(out, i);
        }
    }

    static void exp(float[] a, float[] out, int n) {
        for (int i = 0; i < n; i += LENGTH) {
            FloatVector x = FloatVector.fromArray(FLOATS, a, i);
            FloatVector z = x.mul(Exponential.LOG2E).add(Exponential.ROUND);
            FloatVector w = z.sub(Exponential.ROUND);
            FloatVector y = w.neg()
                    .fma(FloatVector.broadcast(FLOATS, Exponential.LN2_HIGH), x)
                    .sub(w.mul(Exponential.LN2_LOW))
                    .mul(Exponential.LOG2E);
            FloatVector p = FloatVector.broadcast(FLOATS, Exponential.C6)
                    .fma(y, FloatVector.broadcast(FLOATS, Exponential.C5))
                    .fma(y, FloatVector.broadcast(FLOATS, Exponential.C4))
                    .fma(y, FloatVector.broadcast(FLOATS, Exponential.C3))
                    .fma(y, FloatVector.broadcast(FLOATS, Exponential.C2))
                    .fma(y, FloatVector.broadcast(FLOATS, Exponential.C1))
                    .fma(y, FloatVector.broadcast(FLOATS, 1f));
            VectorMask<Float> halved = x.compare(VectorOperators.GE, Exponential.EXP_HALVED);
            IntVector e = z.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
            e = e.blend(e.sub(Exponential.EXPONENT_ONE), halved.cast(INTS));
            p = p.mul(e.reinterpretAsFloats());
            p.blend(p.add(p), halved)
                    .blend(0f, x.compare(VectorOperators.LT, Exponential.EXP_ZERO))
                    .blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GE, Exponential.EXP_INFINITE))
                    .intoArray(out, i);
        }
    }

    static void sigmoid(float[] a, float[] out, int n) {
        FloatVector one = FloatVector.broadcast(FLOATS, 1f);
        for (int i = 0; i < n; i += LENGTH) {
            FloatVector x = FloatVector.fromArray(FLOATS, a, i).neg();
            FloatVector z = x.mul(Exponential.LOG2E).add(Exponential.ROUND);
            FloatVector w = z.sub(Exponential.ROUND);
            FloatVector y = w.neg()
                    .fma(FloatVector.broadcast(FLOATS, Exponential.LN2_HIGH), x)
                    .sub(w.mul(Exponential.LN2_LOW))
                    .mul(Exponential.LOG2E);
            FloatVector p = FloatVector.broadcast(FLOATS, Exponential.C6)
                    .fma(y, FloatVector.broadcast(FLOATS, Exponential.C5))
                    .fma(y, FloatVector.broadcast(FLOATS, Exponential.C4))
                    .fma(y, FloatVector.broadcast(FLOATS, Exponential.C3))
                    .fma(y, FloatVector.broadcast(FLOATS, Exponential.C2))
                    .fma(y, FloatVector.broadcast(FLOATS, Exponential.C1))
                    .fma(y, one);
            VectorMask<Float> halved = x.compare(VectorOperators.GE, Exponential.EXP_HALVED);
            IntVector e = z.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
            e = e.blend(e.sub(Exponential.EXPONENT_ONE), halved.cast(INTS));
            p = p.mul(e.reinterpretAsFloats());
            p = p.blend(p.add(p), halved)
                    .blend(0f, x.compare(VectorOperators.LT, Exponential.EXP_ZERO))
                    .blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GE, Exponential.EXP_INFINITE));
            one.div(p.add(one)).intoArray(out, i);
        }
    }

    static void log(float[] a, float[] out, int n) {
        for (int i = 0; i < n; i += LENGTH) {
            FloatVector x = FloatVector.fromArray(FLOATS, a, i);
            VectorMask<Float> subnormal = x.compare(VectorOperators.LT, Float.MIN_NORMAL);
            IntVector bits = x.blend(x.mul(Exponential.SUBNORMAL_SCALE), subnormal)
                    .reinterpretAsInts()
                    .sub(Exponential.ROOT_HALF);
            IntVector exponent = bits.lanewise(VectorOperators.ASHR, 23);
            exponent = exponent.blend(exponent.sub(23), subnormal.cast(INTS));
            FloatVector e = (FloatVector) exponent.convert(VectorOperators.I2F, 0);
            FloatVector m = bits.and(Exponential.MANTISSA)
                    .add(Exponential.ROOT_HALF)
                    .reinterpretAsFloats()
                    .sub(1f);
            FloatVector square = m.mul(m);
            FloatVector p = FloatVector.broadcast(FLOATS, Exponential.L8)
                    .fma(m, FloatVector.broadcast(FLOATS, Exponential.L7))
                    .fma(m, FloatVector.broadcast(FLOATS, Exponential.L6))
                    .fma(m, FloatVector.broadcast(FLOATS, Exponential.L5))
                    .fma(m, FloatVector.broadcast(FLOATS, Exponential.L4))
                    .fma(m, FloatVector.broadcast(FLOATS, Exponential.L3))
                    .fma(m, FloatVector.broadcast(FLOATS, Exponential.L2))
                    .fma(m, FloatVector.broadcast(FLOATS, Exponential.L1))
                    .fma(m, FloatVector.broadcast(FLOATS, Exponential.L0));
            FloatVector y = p.mul(m).mul(square).sub(square.mul(0.5f));
            y = e.mul(Exponential.LN2_LOW).add(y).add(m);
            y = e.fma(FloatVector.broadcast(FLOATS, Exponential.LN2_HIGH), y);
            y = y.blend(x, x.compare(VectorOperators.EQ, Float.POSITIVE_INFINITY));
            y = y.blend(Float.NaN, x.compare(VectorOperators.GE, 0f).not());
            y.blend(Float.NEGATIVE_INFINITY, x.compare(VectorOperators.EQ, 0f)).intoArray(out, i);
        }
    }

    static void log2(float[] a, float[] out, int n) {
        FloatVector less = FloatVector.broadcast(FLOATS, Exponential.LOG2E_LESS_1);
        for (int i = 0; i < n; i += LENGTH) {
            FloatVector x = FloatVector.fromArray(FLOATS, a, i);
            VectorMask<Float> subnormal = x.compare(VectorOperators.LT, Float.MIN_NORMAL);
            IntVector bits = x.blend(x.mul(Exponential.SUBNORMAL_SCALE), subnormal)
                    .reinterpretAsInts()
                    .sub(Exponential.ROOT_HALF);
            IntVector exponent = bits.lanewise(VectorOperators.ASHR, 23);
            exponent = exponent.blend(exponent.sub(23), subnormal.cast(INTS));
            FloatVector e = (FloatVector) exponent.convert(VectorOperators.I2F, 0);
            FloatVector m = bits.and(Exponential.MANTISSA)
                    .add(Exponential.ROOT_HALF)
                    .reinterpretAsFloats()
                    .sub(1f);
            FloatVector square = m.mul(m);
            FloatVector p = FloatVector.broadcast(FLOATS, Exponential.L8)
                    .fma(m, FloatVector.broadcast(FLOATS, Exponential.L7))
                    .fma(m, FloatVector.broadcast(FLOATS, Exponential.L6))
                    .fma(m, FloatVector.broadcast(FLOATS, Exponential.L5))
                    .fma(m, FloatVector.broadcast(FLOATS, Exponential.L4))
                    .fma(m, FloatVector.broadcast(FLOATS, Exponential.L3))
                    .fma(m, FloatVector.broadcast(FLOATS, Exponential.L2))
                    .fma(m, FloatVector.broadcast(FLOATS, Exponential.L1))
                    .fma(m, FloatVector.broadcast(FLOATS, Exponential.L0));
            FloatVector y = p.mul(m).mul(square).sub(square.mul(0.5f));
            y = y.fma(less, m.mul(less)).add(y).add(m).add(e);
            y = y.blend(x, x.compare(VectorOperators.EQ, Float.POSITIVE_INFINITY));
            y = y.blend(Float.NaN, x.compare(VectorOperators.GE, 0f).not());
            y.blend(Float.NEGATIVE_INFINITY, x.compare(VectorOperators.EQ, 0f)).intoArray(out, i);
        }
    }
}
