package dev.fovea.api.spi;

/**
 * Loops that take from the machine what it gives a program of a backend's kind at most, with all threads of the device: an optional capability
 * of {@link DeviceBackend}s, which benchmarks time beside their calls. Both return when the work is done.
 */
public interface Roofline {
    /** Multiply-adds of f32 on registers for some milliseconds; the number of floating-point operations, two for each. */
    double multiplyAdd();

    /** Adds up the memory of a storage of this device as f32, reading each byte once. */
    void sum(Storage storage);
}
