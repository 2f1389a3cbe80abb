package dev.fovea.tools;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One line on stderr that tells a person at a terminal what is going on, from the third second on; erased at the end. Silent
 * where stderr is no terminal.
 */
public final class Progress implements AutoCloseable {
    private static final long PATIENCE_MILLIS = 2000;
    private static final long PERIOD_MILLIS = 200;
    private static final int WIDTH = 24;

    private final PrintWriter err;
    private final long start = System.nanoTime();
    private final @Nullable ScheduledExecutorService ticker;
    private String what = "";
    private long done;
    private long total;
    private boolean shown;

    public Progress(PrintWriter err, boolean terminal) {
        this.err = err;
        if (terminal) {
            ticker = Executors.newSingleThreadScheduledExecutor(
                    Thread.ofPlatform().daemon().name("progress").factory());
            var _ = ticker.scheduleAtFixedRate(this::show, PATIENCE_MILLIS, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
        } else {
            ticker = null;
        }
    }

    /** Says what begins now, without knowing how much of it there is. */
    public void step(String now) {
        step(now, 0, 0);
    }

    /** Says what begins now, after {@code finished} of {@code all}. */
    public synchronized void step(String now, long finished, long all) {
        what = now;
        done = finished;
        total = all;
    }

    /** A line that stays, on stderr also where nobody watches. */
    public synchronized void note(String line) {
        erase();
        err.println(line);
        err.flush();
    }

    private synchronized void show() {
        err.print("\r\033[K" + line((System.nanoTime() - start) / 1_000_000_000L));
        err.flush();
        shown = true;
    }

    synchronized String line(long seconds) {
        if (total <= 0) {
            return String.format(Locale.ROOT, "%d s  %s", seconds, what);
        }
        int full = (int) (WIDTH * Math.clamp((double) done / total, 0.0, 1.0));
        return String.format(
                Locale.ROOT,
                "[%s%s] %d/%d  %d s  %s",
                "#".repeat(full),
                ".".repeat(WIDTH - full),
                done,
                total,
                seconds,
                what);
    }

    @Override
    public void close() {
        if (ticker != null) {
            ticker.shutdownNow();
        }
        erase();
    }

    private synchronized void erase() {
        if (shown) {
            err.print("\r\033[K");
            err.flush();
            shown = false;
        }
    }
}
