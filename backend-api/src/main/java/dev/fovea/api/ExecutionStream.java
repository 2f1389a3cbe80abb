package dev.fovea.api;

/**
 * An in-order queue of work on one device. Threads may share one: their runs are enqueued whole, in some order. Between streams,
 * wait.
 */
public interface ExecutionStream extends AutoCloseable {
    /** Waits for everything enqueued; throws what went wrong with it. */
    void await();

    /** Waits, then releases; idempotent. */
    @Override
    void close();
}
