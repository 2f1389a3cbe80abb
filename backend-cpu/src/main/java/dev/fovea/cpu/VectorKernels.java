package dev.fovea.cpu;

import java.util.Arrays;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The kernels in vectors of the width that the JVM prefers. Rules of the house, each of them a cliff of 4x to 10x when broken: species
 * are constants; a hot loop is one static method over arrays and ints; no vector lives across a branch; exp2 is written out where it is
 * used, since a helper method may or may not be inlined; nothing reduces across lanes.
 */
abstract class VectorKernels implements Kernels {
    private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
    private static final VectorSpecies<Integer> INTS = Species.INTS;
    private static final int LENGTH = Species.LENGTH;

    /** Of the product blocks; the softmax takes four keys a step. */
    private static final int NOTHING = Float.floatToRawIntBits(Float.NEGATIVE_INFINITY);

    private static final int KEY_STEP = 8;

    private static final Halves HALVES = new VectorHalves();
    private static final Codes CODES = new VectorCodes();
    private static final TileOps OPS = new VectorTileOps();

    private final int lanes;

    VectorKernels(int vectors) {
        this.lanes = vectors * LENGTH;
    }

    static KernelSet set() {
        return set(k -> k, () -> true);
    }

    /** The same with plain loops in their place until they are compiled, which happens once in a JVM. */
    static KernelSet warmingSet() {
        return Warm.SET;
    }

    private static KernelSet set(Function<VectorKernels, Kernels> as, BooleanSupplier small) {
        Kernels wide = as.apply(Species.MANY_REGISTERS ? new VectorKernels6x4() : new VectorKernels6x2());
        Kernels middle = Species.MANY_REGISTERS ? as.apply(new VectorKernels8x3()) : wide;
        Kernels narrow = as.apply(new VectorKernels8x1());
        return new KernelSet(
                wide, middle, narrow, new VectorRowKernels(), small, FLOATS.vectorBitSize(), VectorGate.advice());
    }

    private static final class Warm {
        static final KernelSet SET = set(WarmingKernels::new, WarmingKernels.small(new VectorKernels8x1()));
    }

    /** Keys whose largest score is found in pairs before it meets that of the others. */
    abstract int block();

    /** The fewest blocks of four that leave whole ones of another size. */
    static int fours(int n, int size) {
        int fours = 0;
        while ((n - 4 * fours) % size != 0) {
            fours++;
        }
        return fours;
    }

    @Override
    public int lanes() {
        return lanes;
    }

    @Override
    public int keyStep() {
        return KEY_STEP;
    }

    @Override
    public int channelStep() {
        return 8;
    }

    @Override
    public int keyPitch(int columns) {
        return columns;
    }

    @Override
    public int valuePitch(int channels) {
        return channels;
    }

    @Override
    public void top(float[] s, int keys, float[] top) {
        Arrays.fill(top, 0, lanes, Float.NEGATIVE_INFINITY);
        for (int j = 0; j < keys; j += KEY_STEP) {
            for (int x = 0; x < lanes; x += LENGTH) {
                largest(s, j * lanes + x, lanes, top, x);
            }
        }
    }

    /** Raises the largest scores of some lanes to those of eight keys; kept in registers over all keys they became objects. */
    private static void largest(float[] s, int at, int pitch, float[] top, int x) {
        FloatVector a = FloatVector.fromArray(FLOATS, s, at);
        FloatVector b = FloatVector.fromArray(FLOATS, s, at + pitch);
        FloatVector c = FloatVector.fromArray(FLOATS, s, at + 2 * pitch);
        FloatVector d = FloatVector.fromArray(FLOATS, s, at + 3 * pitch);
        FloatVector e = FloatVector.fromArray(FLOATS, s, at + 4 * pitch);
        FloatVector f = FloatVector.fromArray(FLOATS, s, at + 5 * pitch);
        FloatVector g = FloatVector.fromArray(FLOATS, s, at + 6 * pitch);
        FloatVector h = FloatVector.fromArray(FLOATS, s, at + 7 * pitch);
        a = a.blend(b, b.compare(VectorOperators.GT, a));
        c = c.blend(d, d.compare(VectorOperators.GT, c));
        e = e.blend(f, f.compare(VectorOperators.GT, e));
        g = g.blend(h, h.compare(VectorOperators.GT, g));
        a = a.blend(c, c.compare(VectorOperators.GT, a));
        e = e.blend(g, g.compare(VectorOperators.GT, e));
        a = a.blend(e, e.compare(VectorOperators.GT, a));
        FloatVector t = FloatVector.fromArray(FLOATS, top, x);
        t.blend(a, a.compare(VectorOperators.GT, t)).intoArray(top, x);
    }

    @Override
    public void softmax(float[] s, int keys, boolean natural, float[] top, float[] max, float[] sum, float[] rescale) {
        float unit = natural ? Exponential.LOG2E : 1;
        for (int x = 0; x < lanes; x += LENGTH) {
            raise(x, unit, top, max, rescale);
        }
        if (natural) {
            exponentiateNatural(s, keys, max, sum, rescale);
        } else {
            exponentiate(s, keys, max, sum, rescale);
        }
    }

    private static void raise(int x, float unit, float[] top, float[] max, float[] rescale) {
        FloatVector a = FloatVector.fromArray(FLOATS, top, x);
        FloatVector old = FloatVector.fromArray(FLOATS, max, x);
        FloatVector m = old.blend(a, a.compare(VectorOperators.GT, old));
        m.intoArray(max, x);
        FloatVector t = old.sub(m).mul(unit);
        t = t.blend(0f, old.compare(VectorOperators.EQ, m)); // -inf less -inf too
        FloatVector z = t.add(Exponential.ROUND);
        FloatVector y = t.sub(z.sub(Exponential.ROUND));
        FloatVector w = y.mul(y);
        FloatVector a4 =
                FloatVector.broadcast(FLOATS, Exponential.C4).fma(y, FloatVector.broadcast(FLOATS, Exponential.C3));
        FloatVector a2 =
                FloatVector.broadcast(FLOATS, Exponential.C2).fma(y, FloatVector.broadcast(FLOATS, Exponential.C1));
        FloatVector p = FloatVector.broadcast(FLOATS, Exponential.C6)
                .fma(y, FloatVector.broadcast(FLOATS, Exponential.C5))
                .fma(w, a4)
                .fma(w, a2)
                .fma(y, FloatVector.broadcast(FLOATS, 1f));
        p = p.mul(z.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
        p.blend(0f, t.compare(VectorOperators.LT, -126f)).intoArray(rescale, x);
    }

    /** Replaces the scores by 2^(s - max) and adds these, added up key by key, to the sums, rescaled. */
    abstract void exponentiate(float[] s, int keys, float[] max, float[] sum, float[] rescale);

    /** Likewise by e^(s - max). */
    abstract void exponentiateNatural(float[] s, int keys, float[] max, float[] sum, float[] rescale);

    @Override
    public void exponentials(float[] s, int keys, boolean natural, float[] max, float[] factor, float[] p) {
        float unit = natural ? Exponential.LOG2E : 1;
        for (int x = 0; x < lanes; x += LENGTH) {
            exponentials(s, x, keys, lanes, unit, max, factor, p);
        }
    }

    private static void exponentials(
            float[] s, int x, int keys, int pitch, float unit, float[] max, float[] factor, float[] to) {
        FloatVector c6 = FloatVector.broadcast(FLOATS, Exponential.C6);
        FloatVector c5 = FloatVector.broadcast(FLOATS, Exponential.C5);
        FloatVector c4 = FloatVector.broadcast(FLOATS, Exponential.C4);
        FloatVector c3 = FloatVector.broadcast(FLOATS, Exponential.C3);
        FloatVector c2 = FloatVector.broadcast(FLOATS, Exponential.C2);
        FloatVector c1 = FloatVector.broadcast(FLOATS, Exponential.C1);
        FloatVector c0 = FloatVector.broadcast(FLOATS, 1f);
        FloatVector by = FloatVector.fromArray(FLOATS, factor, x);
        FloatVector m = FloatVector.fromArray(FLOATS, max, x);
        m = m.blend(0f, m.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        for (int j = 0; j < keys; j++) {
            int at = x + j * pitch;
            FloatVector t = FloatVector.fromArray(FLOATS, s, at).sub(m).mul(unit);
            FloatVector z = t.add(Exponential.ROUND);
            FloatVector y = t.sub(z.sub(Exponential.ROUND));
            FloatVector w = y.mul(y);
            FloatVector p =
                    c6.fma(y, c5).fma(w, c4.fma(y, c3)).fma(w, c2.fma(y, c1)).fma(y, c0);
            p = p.mul(z.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            p.blend(0f, t.compare(VectorOperators.LT, -126f)).mul(by).intoArray(to, at);
        }
    }

    @Override
    public void band(float[] s, int keys, int key0, int[] low, int[] high) {
        for (int x = 0; x < lanes; x += LENGTH) {
            band(s, x, keys, lanes, key0, low, high);
        }
    }

    /** Without masks, which became objects in some JVMs, two or three of them a key. */
    private static void band(float[] s, int x, int keys, int pitch, int key0, int[] low, int[] high) {
        IntVector first = IntVector.fromArray(INTS, low, x);
        IntVector last = IntVector.fromArray(INTS, high, x);
        for (int j = 0; j < keys; j++) {
            int at = x + j * pitch;
            IntVector key = IntVector.broadcast(INTS, key0 + j);
            // not 0 where the key lies outside, then all bits
            IntVector apart = key.max(first)
                    .lanewise(VectorOperators.XOR, key)
                    .or(key.min(last).lanewise(VectorOperators.XOR, key));
            IntVector outside = apart.or(apart.neg()).lanewise(VectorOperators.ASHR, 31);
            FloatVector.fromArray(FLOATS, s, at)
                    .reinterpretAsInts()
                    .lanewise(VectorOperators.AND_NOT, outside)
                    .or(outside.and(NOTHING))
                    .reinterpretAsFloats()
                    .intoArray(s, at);
        }
    }

    @Override
    public boolean hasNan(float[] a, int n) {
        float[] found = new float[LENGTH];
        markNan(a, n, found);
        for (float f : found) {
            if (f != 0) {
                return true;
            }
        }
        return false;
    }

    private static void markNan(float[] a, int n, float[] found) {
        FloatVector w = FloatVector.zero(FLOATS); // four, since each waits for the one before; channels come in eights
        FloatVector x = FloatVector.zero(FLOATS);
        FloatVector y = FloatVector.zero(FLOATS);
        FloatVector z = FloatVector.zero(FLOATS);
        for (int i = 0; i < n; i += 4 * LENGTH) {
            FloatVector v = FloatVector.fromArray(FLOATS, a, i);
            w = w.blend(1f, v.compare(VectorOperators.NE, v));
            v = FloatVector.fromArray(FLOATS, a, i + LENGTH);
            x = x.blend(1f, v.compare(VectorOperators.NE, v));
            v = FloatVector.fromArray(FLOATS, a, i + 2 * LENGTH);
            y = y.blend(1f, v.compare(VectorOperators.NE, v));
            v = FloatVector.fromArray(FLOATS, a, i + 3 * LENGTH);
            z = z.blend(1f, v.compare(VectorOperators.NE, v));
        }
        w.add(x).add(y.add(z)).intoArray(found, 0);
    }

    @Override
    public Halves halves() {
        return HALVES;
    }

    @Override
    public Codes codes() {
        return CODES;
    }

    @Override
    public TileOps ops() {
        return OPS;
    }
}
