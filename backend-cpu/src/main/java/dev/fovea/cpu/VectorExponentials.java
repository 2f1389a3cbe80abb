package dev.fovea.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The exponentials of the softmax for tiles of several vectors of lanes, key after key as the scores lie: a quarter faster than lanes after lanes,
 * whose steps are a power of two apart and whose few chains of operations wait for each other. Pitches are constants, with which the loops lose
 * their range checks.
 */
final class VectorExponentials {
    private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
    private static final int LENGTH = Species.LENGTH;

    private VectorExponentials() {}

    /** Replaces the scores of four vectors of lanes by 2^(s - max) and adds these to the sums, rescaled. */
    static void rows4(float[] s, int keys, float[] max, float[] sum, float[] rescale) {
        FloatVector c6 = FloatVector.broadcast(FLOATS, Exponential.C6);
        FloatVector c5 = FloatVector.broadcast(FLOATS, Exponential.C5);
        FloatVector c4 = FloatVector.broadcast(FLOATS, Exponential.C4);
        FloatVector c3 = FloatVector.broadcast(FLOATS, Exponential.C3);
        FloatVector c2 = FloatVector.broadcast(FLOATS, Exponential.C2);
        FloatVector c1 = FloatVector.broadcast(FLOATS, Exponential.C1);
        FloatVector c0 = FloatVector.broadcast(FLOATS, 1f);
        FloatVector m0 = FloatVector.fromArray(FLOATS, max, 0);
        FloatVector m1 = FloatVector.fromArray(FLOATS, max, LENGTH);
        FloatVector m2 = FloatVector.fromArray(FLOATS, max, 2 * LENGTH);
        FloatVector m3 = FloatVector.fromArray(FLOATS, max, 3 * LENGTH);
        m0 = m0.blend(0f, m0.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        m1 = m1.blend(0f, m1.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        m2 = m2.blend(0f, m2.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        m3 = m3.blend(0f, m3.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        FloatVector a0 = FloatVector.zero(FLOATS);
        FloatVector a1 = FloatVector.zero(FLOATS);
        FloatVector a2 = FloatVector.zero(FLOATS);
        FloatVector a3 = FloatVector.zero(FLOATS);
        int end = keys * 4 * LENGTH;
        for (int at = 0; at < end; at += 4 * LENGTH) {
            FloatVector t0 = FloatVector.fromArray(FLOATS, s, at).sub(m0);
            FloatVector z0 = t0.add(Exponential.ROUND);
            FloatVector y0 = t0.sub(z0.sub(Exponential.ROUND));
            FloatVector w0 = y0.mul(y0);
            FloatVector p0 = c6.fma(y0, c5)
                    .fma(w0, c4.fma(y0, c3))
                    .fma(w0, c2.fma(y0, c1))
                    .fma(y0, c0);
            p0 = p0.mul(
                    z0.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p0 = p0.blend(0f, t0.compare(VectorOperators.LT, -126f));
            FloatVector t1 = FloatVector.fromArray(FLOATS, s, at + LENGTH).sub(m1);
            FloatVector z1 = t1.add(Exponential.ROUND);
            FloatVector y1 = t1.sub(z1.sub(Exponential.ROUND));
            FloatVector w1 = y1.mul(y1);
            FloatVector p1 = c6.fma(y1, c5)
                    .fma(w1, c4.fma(y1, c3))
                    .fma(w1, c2.fma(y1, c1))
                    .fma(y1, c0);
            p1 = p1.mul(
                    z1.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p1 = p1.blend(0f, t1.compare(VectorOperators.LT, -126f));
            FloatVector t2 = FloatVector.fromArray(FLOATS, s, at + 2 * LENGTH).sub(m2);
            FloatVector z2 = t2.add(Exponential.ROUND);
            FloatVector y2 = t2.sub(z2.sub(Exponential.ROUND));
            FloatVector w2 = y2.mul(y2);
            FloatVector p2 = c6.fma(y2, c5)
                    .fma(w2, c4.fma(y2, c3))
                    .fma(w2, c2.fma(y2, c1))
                    .fma(y2, c0);
            p2 = p2.mul(
                    z2.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p2 = p2.blend(0f, t2.compare(VectorOperators.LT, -126f));
            FloatVector t3 = FloatVector.fromArray(FLOATS, s, at + 3 * LENGTH).sub(m3);
            FloatVector z3 = t3.add(Exponential.ROUND);
            FloatVector y3 = t3.sub(z3.sub(Exponential.ROUND));
            FloatVector w3 = y3.mul(y3);
            FloatVector p3 = c6.fma(y3, c5)
                    .fma(w3, c4.fma(y3, c3))
                    .fma(w3, c2.fma(y3, c1))
                    .fma(y3, c0);
            p3 = p3.mul(
                    z3.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p3 = p3.blend(0f, t3.compare(VectorOperators.LT, -126f));
            p0.intoArray(s, at);
            p1.intoArray(s, at + LENGTH);
            p2.intoArray(s, at + 2 * LENGTH);
            p3.intoArray(s, at + 3 * LENGTH);
            a0 = a0.add(p0);
            a1 = a1.add(p1);
            a2 = a2.add(p2);
            a3 = a3.add(p3);
        }
        FloatVector.fromArray(FLOATS, sum, 0)
                .mul(FloatVector.fromArray(FLOATS, rescale, 0))
                .add(a0)
                .intoArray(sum, 0);
        FloatVector.fromArray(FLOATS, sum, LENGTH)
                .mul(FloatVector.fromArray(FLOATS, rescale, LENGTH))
                .add(a1)
                .intoArray(sum, LENGTH);
        FloatVector.fromArray(FLOATS, sum, 2 * LENGTH)
                .mul(FloatVector.fromArray(FLOATS, rescale, 2 * LENGTH))
                .add(a2)
                .intoArray(sum, 2 * LENGTH);
        FloatVector.fromArray(FLOATS, sum, 3 * LENGTH)
                .mul(FloatVector.fromArray(FLOATS, rescale, 3 * LENGTH))
                .add(a3)
                .intoArray(sum, 3 * LENGTH);
    }

    /** Replaces the scores of four vectors of lanes by e^(s - max) and adds these to the sums, rescaled. */
    static void rows4Natural(float[] s, int keys, float[] max, float[] sum, float[] rescale) {
        FloatVector c6 = FloatVector.broadcast(FLOATS, Exponential.C6);
        FloatVector c5 = FloatVector.broadcast(FLOATS, Exponential.C5);
        FloatVector c4 = FloatVector.broadcast(FLOATS, Exponential.C4);
        FloatVector c3 = FloatVector.broadcast(FLOATS, Exponential.C3);
        FloatVector c2 = FloatVector.broadcast(FLOATS, Exponential.C2);
        FloatVector c1 = FloatVector.broadcast(FLOATS, Exponential.C1);
        FloatVector c0 = FloatVector.broadcast(FLOATS, 1f);
        FloatVector m0 = FloatVector.fromArray(FLOATS, max, 0);
        FloatVector m1 = FloatVector.fromArray(FLOATS, max, LENGTH);
        FloatVector m2 = FloatVector.fromArray(FLOATS, max, 2 * LENGTH);
        FloatVector m3 = FloatVector.fromArray(FLOATS, max, 3 * LENGTH);
        m0 = m0.blend(0f, m0.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        m1 = m1.blend(0f, m1.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        m2 = m2.blend(0f, m2.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        m3 = m3.blend(0f, m3.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        FloatVector a0 = FloatVector.zero(FLOATS);
        FloatVector a1 = FloatVector.zero(FLOATS);
        FloatVector a2 = FloatVector.zero(FLOATS);
        FloatVector a3 = FloatVector.zero(FLOATS);
        int end = keys * 4 * LENGTH;
        for (int at = 0; at < end; at += 4 * LENGTH) {
            FloatVector t0 = FloatVector.fromArray(FLOATS, s, at).sub(m0).mul(Exponential.LOG2E);
            FloatVector z0 = t0.add(Exponential.ROUND);
            FloatVector y0 = t0.sub(z0.sub(Exponential.ROUND));
            FloatVector w0 = y0.mul(y0);
            FloatVector p0 = c6.fma(y0, c5)
                    .fma(w0, c4.fma(y0, c3))
                    .fma(w0, c2.fma(y0, c1))
                    .fma(y0, c0);
            p0 = p0.mul(
                    z0.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p0 = p0.blend(0f, t0.compare(VectorOperators.LT, -126f));
            FloatVector t1 =
                    FloatVector.fromArray(FLOATS, s, at + LENGTH).sub(m1).mul(Exponential.LOG2E);
            FloatVector z1 = t1.add(Exponential.ROUND);
            FloatVector y1 = t1.sub(z1.sub(Exponential.ROUND));
            FloatVector w1 = y1.mul(y1);
            FloatVector p1 = c6.fma(y1, c5)
                    .fma(w1, c4.fma(y1, c3))
                    .fma(w1, c2.fma(y1, c1))
                    .fma(y1, c0);
            p1 = p1.mul(
                    z1.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p1 = p1.blend(0f, t1.compare(VectorOperators.LT, -126f));
            FloatVector t2 =
                    FloatVector.fromArray(FLOATS, s, at + 2 * LENGTH).sub(m2).mul(Exponential.LOG2E);
            FloatVector z2 = t2.add(Exponential.ROUND);
            FloatVector y2 = t2.sub(z2.sub(Exponential.ROUND));
            FloatVector w2 = y2.mul(y2);
            FloatVector p2 = c6.fma(y2, c5)
                    .fma(w2, c4.fma(y2, c3))
                    .fma(w2, c2.fma(y2, c1))
                    .fma(y2, c0);
            p2 = p2.mul(
                    z2.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p2 = p2.blend(0f, t2.compare(VectorOperators.LT, -126f));
            FloatVector t3 =
                    FloatVector.fromArray(FLOATS, s, at + 3 * LENGTH).sub(m3).mul(Exponential.LOG2E);
            FloatVector z3 = t3.add(Exponential.ROUND);
            FloatVector y3 = t3.sub(z3.sub(Exponential.ROUND));
            FloatVector w3 = y3.mul(y3);
            FloatVector p3 = c6.fma(y3, c5)
                    .fma(w3, c4.fma(y3, c3))
                    .fma(w3, c2.fma(y3, c1))
                    .fma(y3, c0);
            p3 = p3.mul(
                    z3.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p3 = p3.blend(0f, t3.compare(VectorOperators.LT, -126f));
            p0.intoArray(s, at);
            p1.intoArray(s, at + LENGTH);
            p2.intoArray(s, at + 2 * LENGTH);
            p3.intoArray(s, at + 3 * LENGTH);
            a0 = a0.add(p0);
            a1 = a1.add(p1);
            a2 = a2.add(p2);
            a3 = a3.add(p3);
        }
        FloatVector.fromArray(FLOATS, sum, 0)
                .mul(FloatVector.fromArray(FLOATS, rescale, 0))
                .add(a0)
                .intoArray(sum, 0);
        FloatVector.fromArray(FLOATS, sum, LENGTH)
                .mul(FloatVector.fromArray(FLOATS, rescale, LENGTH))
                .add(a1)
                .intoArray(sum, LENGTH);
        FloatVector.fromArray(FLOATS, sum, 2 * LENGTH)
                .mul(FloatVector.fromArray(FLOATS, rescale, 2 * LENGTH))
                .add(a2)
                .intoArray(sum, 2 * LENGTH);
        FloatVector.fromArray(FLOATS, sum, 3 * LENGTH)
                .mul(FloatVector.fromArray(FLOATS, rescale, 3 * LENGTH))
                .add(a3)
                .intoArray(sum, 3 * LENGTH);
    }

    /** Replaces the scores of three vectors of lanes by 2^(s - max) and adds these to the sums, rescaled. */
    static void rows3(float[] s, int keys, float[] max, float[] sum, float[] rescale) {
        FloatVector c6 = FloatVector.broadcast(FLOATS, Exponential.C6);
        FloatVector c5 = FloatVector.broadcast(FLOATS, Exponential.C5);
        FloatVector c4 = FloatVector.broadcast(FLOATS, Exponential.C4);
        FloatVector c3 = FloatVector.broadcast(FLOATS, Exponential.C3);
        FloatVector c2 = FloatVector.broadcast(FLOATS, Exponential.C2);
        FloatVector c1 = FloatVector.broadcast(FLOATS, Exponential.C1);
        FloatVector c0 = FloatVector.broadcast(FLOATS, 1f);
        FloatVector m0 = FloatVector.fromArray(FLOATS, max, 0);
        FloatVector m1 = FloatVector.fromArray(FLOATS, max, LENGTH);
        FloatVector m2 = FloatVector.fromArray(FLOATS, max, 2 * LENGTH);
        m0 = m0.blend(0f, m0.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        m1 = m1.blend(0f, m1.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        m2 = m2.blend(0f, m2.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        FloatVector a0 = FloatVector.zero(FLOATS);
        FloatVector a1 = FloatVector.zero(FLOATS);
        FloatVector a2 = FloatVector.zero(FLOATS);
        int end = keys * 3 * LENGTH;
        for (int at = 0; at < end; at += 3 * LENGTH) {
            FloatVector t0 = FloatVector.fromArray(FLOATS, s, at).sub(m0);
            FloatVector z0 = t0.add(Exponential.ROUND);
            FloatVector y0 = t0.sub(z0.sub(Exponential.ROUND));
            FloatVector w0 = y0.mul(y0);
            FloatVector p0 = c6.fma(y0, c5)
                    .fma(w0, c4.fma(y0, c3))
                    .fma(w0, c2.fma(y0, c1))
                    .fma(y0, c0);
            p0 = p0.mul(
                    z0.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p0 = p0.blend(0f, t0.compare(VectorOperators.LT, -126f));
            FloatVector t1 = FloatVector.fromArray(FLOATS, s, at + LENGTH).sub(m1);
            FloatVector z1 = t1.add(Exponential.ROUND);
            FloatVector y1 = t1.sub(z1.sub(Exponential.ROUND));
            FloatVector w1 = y1.mul(y1);
            FloatVector p1 = c6.fma(y1, c5)
                    .fma(w1, c4.fma(y1, c3))
                    .fma(w1, c2.fma(y1, c1))
                    .fma(y1, c0);
            p1 = p1.mul(
                    z1.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p1 = p1.blend(0f, t1.compare(VectorOperators.LT, -126f));
            FloatVector t2 = FloatVector.fromArray(FLOATS, s, at + 2 * LENGTH).sub(m2);
            FloatVector z2 = t2.add(Exponential.ROUND);
            FloatVector y2 = t2.sub(z2.sub(Exponential.ROUND));
            FloatVector w2 = y2.mul(y2);
            FloatVector p2 = c6.fma(y2, c5)
                    .fma(w2, c4.fma(y2, c3))
                    .fma(w2, c2.fma(y2, c1))
                    .fma(y2, c0);
            p2 = p2.mul(
                    z2.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p2 = p2.blend(0f, t2.compare(VectorOperators.LT, -126f));
            p0.intoArray(s, at);
            p1.intoArray(s, at + LENGTH);
            p2.intoArray(s, at + 2 * LENGTH);
            a0 = a0.add(p0);
            a1 = a1.add(p1);
            a2 = a2.add(p2);
        }
        FloatVector.fromArray(FLOATS, sum, 0)
                .mul(FloatVector.fromArray(FLOATS, rescale, 0))
                .add(a0)
                .intoArray(sum, 0);
        FloatVector.fromArray(FLOATS, sum, LENGTH)
                .mul(FloatVector.fromArray(FLOATS, rescale, LENGTH))
                .add(a1)
                .intoArray(sum, LENGTH);
        FloatVector.fromArray(FLOATS, sum, 2 * LENGTH)
                .mul(FloatVector.fromArray(FLOATS, rescale, 2 * LENGTH))
                .add(a2)
                .intoArray(sum, 2 * LENGTH);
    }

    /** Replaces the scores of three vectors of lanes by e^(s - max) and adds these to the sums, rescaled. */
    static void rows3Natural(float[] s, int keys, float[] max, float[] sum, float[] rescale) {
        FloatVector c6 = FloatVector.broadcast(FLOATS, Exponential.C6);
        FloatVector c5 = FloatVector.broadcast(FLOATS, Exponential.C5);
        FloatVector c4 = FloatVector.broadcast(FLOATS, Exponential.C4);
        FloatVector c3 = FloatVector.broadcast(FLOATS, Exponential.C3);
        FloatVector c2 = FloatVector.broadcast(FLOATS, Exponential.C2);
        FloatVector c1 = FloatVector.broadcast(FLOATS, Exponential.C1);
        FloatVector c0 = FloatVector.broadcast(FLOATS, 1f);
        FloatVector m0 = FloatVector.fromArray(FLOATS, max, 0);
        FloatVector m1 = FloatVector.fromArray(FLOATS, max, LENGTH);
        FloatVector m2 = FloatVector.fromArray(FLOATS, max, 2 * LENGTH);
        m0 = m0.blend(0f, m0.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        m1 = m1.blend(0f, m1.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        m2 = m2.blend(0f, m2.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        FloatVector a0 = FloatVector.zero(FLOATS);
        FloatVector a1 = FloatVector.zero(FLOATS);
        FloatVector a2 = FloatVector.zero(FLOATS);
        int end = keys * 3 * LENGTH;
        for (int at = 0; at < end; at += 3 * LENGTH) {
            FloatVector t0 = FloatVector.fromArray(FLOATS, s, at).sub(m0).mul(Exponential.LOG2E);
            FloatVector z0 = t0.add(Exponential.ROUND);
            FloatVector y0 = t0.sub(z0.sub(Exponential.ROUND));
            FloatVector w0 = y0.mul(y0);
            FloatVector p0 = c6.fma(y0, c5)
                    .fma(w0, c4.fma(y0, c3))
                    .fma(w0, c2.fma(y0, c1))
                    .fma(y0, c0);
            p0 = p0.mul(
                    z0.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p0 = p0.blend(0f, t0.compare(VectorOperators.LT, -126f));
            FloatVector t1 =
                    FloatVector.fromArray(FLOATS, s, at + LENGTH).sub(m1).mul(Exponential.LOG2E);
            FloatVector z1 = t1.add(Exponential.ROUND);
            FloatVector y1 = t1.sub(z1.sub(Exponential.ROUND));
            FloatVector w1 = y1.mul(y1);
            FloatVector p1 = c6.fma(y1, c5)
                    .fma(w1, c4.fma(y1, c3))
                    .fma(w1, c2.fma(y1, c1))
                    .fma(y1, c0);
            p1 = p1.mul(
                    z1.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p1 = p1.blend(0f, t1.compare(VectorOperators.LT, -126f));
            FloatVector t2 =
                    FloatVector.fromArray(FLOATS, s, at + 2 * LENGTH).sub(m2).mul(Exponential.LOG2E);
            FloatVector z2 = t2.add(Exponential.ROUND);
            FloatVector y2 = t2.sub(z2.sub(Exponential.ROUND));
            FloatVector w2 = y2.mul(y2);
            FloatVector p2 = c6.fma(y2, c5)
                    .fma(w2, c4.fma(y2, c3))
                    .fma(w2, c2.fma(y2, c1))
                    .fma(y2, c0);
            p2 = p2.mul(
                    z2.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p2 = p2.blend(0f, t2.compare(VectorOperators.LT, -126f));
            p0.intoArray(s, at);
            p1.intoArray(s, at + LENGTH);
            p2.intoArray(s, at + 2 * LENGTH);
            a0 = a0.add(p0);
            a1 = a1.add(p1);
            a2 = a2.add(p2);
        }
        FloatVector.fromArray(FLOATS, sum, 0)
                .mul(FloatVector.fromArray(FLOATS, rescale, 0))
                .add(a0)
                .intoArray(sum, 0);
        FloatVector.fromArray(FLOATS, sum, LENGTH)
                .mul(FloatVector.fromArray(FLOATS, rescale, LENGTH))
                .add(a1)
                .intoArray(sum, LENGTH);
        FloatVector.fromArray(FLOATS, sum, 2 * LENGTH)
                .mul(FloatVector.fromArray(FLOATS, rescale, 2 * LENGTH))
                .add(a2)
                .intoArray(sum, 2 * LENGTH);
    }
}
