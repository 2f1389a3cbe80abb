package dev.fovea.api;

import dev.fovea.api.spi.DeviceBackend;

/** Makes a {@link Backend} of a device that a test opened itself. */
public final class OpenBackend {
    private OpenBackend() {}

    public static Backend of(DeviceBackend device) {
        return new Backend(device);
    }
}
