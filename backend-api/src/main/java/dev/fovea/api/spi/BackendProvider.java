package dev.fovea.api.spi;

import java.util.List;

/**
 * Entry point of a backend, found by {@link java.util.ServiceLoader}. Loading the provider class must not need what may be
 * missing (a native library, an incubator module): it is touched in {@link #probe} and {@link #open}, inside a catch of
 * {@link LinkageError}.
 */
public interface BackendProvider {
    /** The version of this SPI; a provider built for a newer one is refused with a sentence. */
    int SPI_VERSION = 1;

    /** First part of the ids of its devices: {@code cpu}, {@code opencl}. */
    String name();

    /** {@link #SPI_VERSION} as it was when the provider was compiled. */
    int spiVersion();

    /** Every device it can see, with the reason for each that it refuses. Fast enough to call at start-up. */
    List<DeviceReport> probe();

    /**
     * Opens a device.
     *
     * @param deviceId the id of an available device of {@link #probe}
     */
    DeviceBackend open(String deviceId);
}
