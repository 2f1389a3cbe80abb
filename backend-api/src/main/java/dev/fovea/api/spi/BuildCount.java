package dev.fovea.api.spi;

/** How many kernels a device has compiled: an optional capability of {@link DeviceBackend}s. */
public interface BuildCount {
    /** Programs given to the device's compiler so far, from source; what a cache supplied does not count. */
    long kernelBuilds();
}
