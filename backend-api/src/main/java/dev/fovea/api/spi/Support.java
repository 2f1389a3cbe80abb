package dev.fovea.api.spi;

/** Answer to "can this device run that". */
public sealed interface Support {
    record Yes() implements Support {}

    /** Half a sentence each: why not, and what to do instead. */
    record No(String reason, String remedy) implements Support {}
}
