package dev.fovea.api.spi;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;

/** A primitive made ready on a device. Safe for use by several threads, on one stream or several. */
public interface DevicePlan extends AutoCloseable {
    /** Enqueues on the stream and may return early. */
    void run(Arguments arguments, ExecutionStream stream);

    /** Cuts and orders the work for sequences of these lengths; of attention plans only. */
    default DeviceSchedule schedule(int[] queryLengths, int[] keyLengths) {
        return new DeviceSchedule.None();
    }

    /** Whether nothing goes on any more beside the runs so far that makes later ones faster. */
    default boolean settled() {
        return true;
    }

    /** One line about the chosen kernel and path, for people. */
    String describe();

    @Override
    void close();
}
