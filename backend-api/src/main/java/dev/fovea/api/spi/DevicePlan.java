package dev.fovea.api.spi;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;

/** A primitive made ready on a device. Safe for use by several threads, on one stream or several. */
public interface DevicePlan extends AutoCloseable {
    /** Enqueues on the stream and may return early. */
    void run(Arguments arguments, ExecutionStream stream);

    /** One line about the chosen kernel and path, for people. */
    String describe();

    @Override
    void close();
}
