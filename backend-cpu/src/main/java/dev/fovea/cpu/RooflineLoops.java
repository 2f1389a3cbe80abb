package dev.fovea.cpu;

import java.lang.foreign.MemorySegment;

/** The loops that say what the machine gives. Results go to a sink, or the compiler would leave the loops out. */
interface RooflineLoops {
    /** Floats of a sink. */
    int lanes();

    /** Floating-point operations of so many steps. */
    double flopsOf(int steps);

    void multiplyAdd(int steps, float[] sink);

    /** Adds up the floats of the bytes [from, to). */
    void sum(MemorySegment memory, long from, long to, float[] sink);
}
