package dev.fovea.demo;

import java.io.PrintStream;

/** One line that tells what is going on, for a person at a terminal who has waited two seconds. */
final class Progress {
    private static final long PATIENCE_NANOS = 2_000_000_000L;

    private final PrintStream out;
    private final boolean terminal;
    private final long start = System.nanoTime();
    private boolean shown;

    Progress(PrintStream out, boolean terminal) {
        this.out = out;
        this.terminal = terminal;
    }

    /** Says what begins now. */
    void step(String what) {
        if (terminal && System.nanoTime() - start > PATIENCE_NANOS) {
            out.print("\r\033[K" + what);
            out.flush();
            shown = true;
        }
    }

    /** Leaves the terminal as if nothing had been shown. */
    void erase() {
        if (shown) {
            out.print("\r\033[K");
            out.flush();
        }
    }
}
