package dev.fovea.api.spec;

import dev.fovea.api.spi.DeviceSchedule;

/**
 * The work of one step, cut and ordered by a plan for given lengths: computed once, used by the calls of all layers with those lengths.
 * A call without one gives the same bits, slower. Close it after the last of those calls.
 */
public record Schedule(AttentionSpec spec, DeviceSchedule device) implements AutoCloseable {
    @Override
    public void close() {
        device.close();
    }
}
