package dev.fovea.api.spi;

/** A stream that can tell how long the device itself was busy: an optional capability of {@code ExecutionStream}s. */
public interface Profiled {
    /** Turns measuring of later runs on or off; waits for the work enqueued so far. Off at first, since it may slow a driver down. */
    void profile(boolean on);

    /**
     * Device time of the last run on this stream, from the start of its first kernel to the end of its last, in nanoseconds; waits
     * for it. -1 if nothing ran since {@link #profile} was turned on or the driver does not tell.
     */
    long lastRunNanos();
}
