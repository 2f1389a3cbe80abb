package dev.fovea.api.spi;

/** What probing found: a device that can be opened, or something refused and why. */
public sealed interface DeviceReport {
    /** Id of the device; of the provider or platform where there is no device. */
    String id();

    record Available(DeviceInfo info) implements DeviceReport {
        @Override
        public String id() {
            return info.id();
        }
    }

    /**
     * Something that cannot be used.
     *
     * @param reason why, half a sentence
     * @param remedy what a person can do about it, half a sentence
     */
    record Refused(String id, String reason, String remedy) implements DeviceReport {}
}
