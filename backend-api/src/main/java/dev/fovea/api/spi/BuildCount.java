package dev.fovea.api.spi;

import java.util.OptionalInt;
import java.util.function.Consumer;

/** What a device compiles: an optional capability of {@link DeviceBackend}s. */
public interface BuildCount {
    /** Programs given to the device's compiler so far, from source; what a cache supplied does not count. */
    long kernelBuilds();

    /** From now on told of each program that is made ready, by the thread that waited for it; replaces the listener before. */
    void onBuild(Consumer<Built> listener);

    /**
     * A program that is ready.
     *
     * @param kernel the kernel that it was made for
     * @param cached whether a cache on disk supplied it, so that nothing was compiled from source
     * @param registers of a work-item, where the compiler tells
     * @param spilledBytes that do not fit in registers, where the compiler tells
     */
    record Built(String kernel, boolean cached, double seconds, OptionalInt registers, OptionalInt spilledBytes) {}
}
