package dev.fovea.tools.tuning;

import java.util.function.Consumer;

/** Says so when a call does not come back: a kernel that hangs cannot be ended from here, and whoever waits for it waits for ever. */
final class Watch implements AutoCloseable {
    private static final int POLL_MILLIS = 250;

    private final long limitNanos;
    private final Consumer<String> whenLate;
    private final Thread thread;
    private String what = "";
    private long since;
    private boolean on;

    /**
     * A watch.
     *
     * @param seconds that a call may take
     * @param whenLate what to do, once, given what the call was
     */
    Watch(double seconds, Consumer<String> whenLate) {
        this.limitNanos = (long) (seconds * 1e9);
        this.whenLate = whenLate;
        this.thread = Thread.ofPlatform().daemon().name("watch").start(this::look);
    }

    /** From now on this is what is waited for. */
    synchronized void begin(String call) {
        what = call;
        since = System.nanoTime();
        on = true;
    }

    synchronized void end() {
        on = false;
    }

    private void look() {
        try {
            while (!isLate()) {
                Thread.sleep(POLL_MILLIS);
            }
        } catch (InterruptedException e) {
            return; // closed
        }
        whenLate.accept(what());
    }

    private synchronized boolean isLate() {
        return on && System.nanoTime() - since > limitNanos;
    }

    private synchronized String what() {
        return what;
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
