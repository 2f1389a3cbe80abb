package dev.fovea.api.spi;

/** What a backend keeps of a schedule. */
public interface DeviceSchedule extends AutoCloseable {
    /** Of a backend that has nothing to prepare. */
    record None() implements DeviceSchedule {
        @Override
        public void close() {}
    }

    @Override
    void close();
}
