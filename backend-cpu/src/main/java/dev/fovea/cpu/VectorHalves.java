package dev.fovea.cpu;

import dev.fovea.api.HalfFloats;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** The conversions that the compiler leaves as plain loops, ten times slower. */
final class VectorHalves extends Halves {
    private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
    private static final VectorSpecies<Integer> INTS = Species.INTS;
    private static final VectorSpecies<Short> SHORTS =
            VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));
    private static final int LENGTH = Species.LENGTH;

    @Override
    void fromBf16(short[] from, float[] to, int start, int n) {
        int whole = widen(from, to, start, n);
        for (int i = whole; i < n; i++) {
            to[start + i] = HalfFloats.fromBf16(from[i]);
        }
    }

    private static int widen(short[] from, float[] to, int start, int n) {
        int end = n - n % LENGTH;
        for (int i = 0; i < end; i += LENGTH) {
            IntVector bits = (IntVector)
                    ShortVector.fromArray(SHORTS, from, i).convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
            bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(to, start + i);
        }
        return end;
    }

    @Override
    void toBf16(float[] from, int start, short[] to, int n) {
        int whole = narrow(from, start, to, n);
        for (int i = whole; i < n; i++) {
            to[i] = HalfFloats.toBf16(from[start + i]);
        }
    }

    private static int narrow(float[] from, int start, short[] to, int n) {
        int end = n - n % LENGTH;
        for (int i = 0; i < end; i += LENGTH) {
            FloatVector x = FloatVector.fromArray(FLOATS, from, start + i);
            IntVector bits = x.reinterpretAsInts();
            IntVector upper = bits.lanewise(VectorOperators.LSHR, 16);
            IntVector rounded = bits.add(0x7fff).add(upper.and(1)).lanewise(VectorOperators.LSHR, 16);
            VectorMask<Integer> nan = x.compare(VectorOperators.NE, x).cast(INTS);
            rounded.blend(upper.or(0x40), nan)
                    .convertShape(VectorOperators.I2S, SHORTS, 0)
                    .reinterpretAsShorts()
                    .intoArray(to, i);
        }
        return end;
    }
}
