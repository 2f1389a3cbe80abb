package dev.fovea.kernels;

/** Counters of kernels whose work-groups take work in turn or wait for none: zeros before the first run, and left so by each. */
public final class Tickets {
    /** How many there are, at the start of their buffer; more would cost memory that hardly any run needs. */
    public static final int COUNT = 1 << 14;

    /** Their bytes. */
    public static final int BYTES = COUNT * Integer.BYTES;

    private Tickets() {}
}
