package dev.fovea.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/** The one vector shape in use. Constants of a class: a species that the compiler does not know as one costs a factor of 8. */
final class Species {
    static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
    static final int LENGTH = FLOATS.length();

    /** Whether there are 32 vector registers, not 16. */
    static final boolean MANY_REGISTERS =
            FLOATS.vectorBitSize() >= 512 || System.getProperty("os.arch", "").equals("aarch64") || Host.usesAvx512();

    private Species() {}
}
