package dev.fovea.tools.bench.gpu;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spi.Profiled;
import java.util.Map;
import java.util.function.DoubleSupplier;
import java.util.stream.DoubleStream;

/** Times calls: so many queued without waiting that a round takes some 40 ms, one wait, divided by their number. */
final class Queue {
    private static final double ROUND_SECONDS = 0.04;
    private static final int MOST_CALLS = 1000;
    private static final int EVENTS = 9;

    private final ExecutionStream stream;
    private final Runnable call;
    private final double roundSeconds;
    private int calls;

    Queue(ExecutionStream stream, Runnable call) {
        this(stream, call, ROUND_SECONDS);
    }

    /** With rounds of another length. */
    Queue(ExecutionStream stream, Runnable call, double roundSeconds) {
        this.stream = stream;
        this.call = call;
        this.roundSeconds = roundSeconds;
    }

    /** Each round begins on an idle device that has just run one call. */
    Measurement measure(int rounds) {
        if (calls == 0) {
            queued(3);
            double one = queued(3) / 3;
            calls = (int) Math.clamp(Math.ceil(roundSeconds / one), 1, MOST_CALLS);
        }
        double[] seconds = new double[rounds];
        for (int i = 0; i < rounds; i++) {
            queued(1);
            seconds[i] = queued(calls) / calls;
        }
        return new Measurement(calls, seconds, Map.of());
    }

    /** One call, waited for. */
    void once() {
        queued(1);
    }

    private double queued(int n) {
        long start = System.nanoTime();
        for (int i = 0; i < n; i++) {
            call.run();
        }
        stream.await();
        return (System.nanoTime() - start) * 1e-9;
    }

    /** Median of some calls, each waited for. */
    double waited() {
        queued(1);
        return median(() -> queued(1));
    }

    /** Median of some calls by events, in seconds; NaN where the device does not tell. */
    double events() {
        if (!(stream instanceof Profiled profiled)) {
            return Double.NaN;
        }
        profiled.profile(true);
        try {
            queued(1);
            return median(() -> {
                queued(1);
                long nanos = profiled.lastRunNanos();
                return nanos < 0 ? Double.NaN : nanos * 1e-9;
            });
        } finally {
            profiled.profile(false);
        }
    }

    private static double median(DoubleSupplier one) {
        return Measurement.median(DoubleStream.generate(one).limit(EVENTS).toArray());
    }
}
