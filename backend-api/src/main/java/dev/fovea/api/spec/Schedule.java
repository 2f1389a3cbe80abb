package dev.fovea.api.spec;

import dev.fovea.api.spi.DeviceSchedule;
import java.util.List;

/**
 * The work of one step, cut and ordered by a plan for given lengths: computed once, used by the calls of all layers with those lengths;
 * a call with others is refused. A call without one gives the same bits. Close it after the last of those calls.
 *
 * @param queryLengths queries of each sequence
 * @param keyLengths keys of each sequence, the longest of its heads
 */
public record Schedule(AttentionSpec spec, List<Integer> queryLengths, List<Integer> keyLengths, DeviceSchedule device)
        implements AutoCloseable {
    public Schedule {
        queryLengths = List.copyOf(queryLengths);
        keyLengths = List.copyOf(keyLengths);
    }

    @Override
    public void close() {
        device.close();
    }
}
