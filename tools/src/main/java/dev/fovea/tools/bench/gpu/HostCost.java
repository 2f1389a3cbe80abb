package dev.fovea.tools.bench.gpu;

import dev.fovea.api.Attention;
import dev.fovea.api.Backend;
import dev.fovea.api.ExecutionStream;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionArguments;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a warm call costs the host: the time until an asynchronous run returns, by the prepared plan ({@code seconds}) and by the
 * facade that allocates an output ({@code attend}), each of batches that begin with an empty stream and end before the wait; and a run
 * with its wait ({@code waited}) beside the device's own time of it ({@code event}). Warm is what the JVM has compiled for good: before that,
 * some ten thousand calls long, they take two to ten times as long.
 */
final class HostCost implements ReadyCase {
    private static final int CALLS = 200;

    /** Longer than the JVM's compiler takes for the largest method of a call. */
    private static final long SETTLED_NANOS = 700_000_000;

    private static final long MOST_WARM_NANOS = 4_000_000_000L;

    /** A batch that is faster by this part of the best is progress. */
    private static final int WORTH_WAITING = 16;

    private final AttentionCall call;
    private final Backend backend;
    private final ExecutionStream stream;
    private boolean warm;

    HostCost(Backend backend, ExecutionStream stream, DeviceInputs inputs, GpuCase c) {
        this.call = new AttentionCall(backend, stream, inputs, c);
        this.backend = backend;
        this.stream = stream;
    }

    @Override
    public Measurement measure(int rounds) {
        warmUp();
        double[] seconds = new double[rounds];
        double[] attend = new double[rounds];
        double[] waited = new double[rounds];
        for (int i = 0; i < rounds; i++) {
            attend[i] = attend();
            seconds[i] = run();
            waited[i] = call.queue().waited();
        }
        double event = call.queue().events();
        Map<String, Double> more = new LinkedHashMap<>();
        more.put("attend", Measurement.median(attend));
        more.put("waited", Measurement.median(waited));
        more.put("event", event);
        more.put("waitedOverEvent", Measurement.median(waited) - event);
        return new Measurement(CALLS, seconds, more);
    }

    /** Calls until they get no faster. */
    private void warmUp() {
        double best = Double.MAX_VALUE;
        long start = System.nanoTime();
        long now = start;
        for (long betterAt = start; !warm && now - betterAt < SETTLED_NANOS && now - start < MOST_WARM_NANOS; ) {
            double seconds = attend() + run();
            now = System.nanoTime();
            if (seconds < best - best / WORTH_WAITING) {
                best = seconds;
                betterAt = now;
            }
        }
        warm = true;
    }

    /** Seconds of a call. */
    private double run() {
        long start = System.nanoTime();
        for (int i = 0; i < CALLS; i++) {
            call.plan().run(call.arguments(), stream);
        }
        double seconds = (System.nanoTime() - start) * 1e-9;
        stream.await();
        return seconds / CALLS;
    }

    private double attend() {
        AttentionArguments a = call.arguments();
        List<Tensor> outputs = new ArrayList<>(CALLS);
        try {
            long start = System.nanoTime();
            for (int i = 0; i < CALLS; i++) {
                outputs.add(backend.attend(a.query(), a.key(), a.value(), Attention.full()));
            }
            double seconds = (System.nanoTime() - start) * 1e-9;
            outputs.getLast().toFloatArray(); // waits: the next round finds the memory of this one
            return seconds / CALLS;
        } finally {
            outputs.forEach(Tensor::close);
        }
    }

    @Override
    public GpuCase description() {
        return call.description();
    }

    @Override
    public String path() {
        return call.path();
    }

    @Override
    public double deviceSeconds() {
        return call.deviceSeconds();
    }

    @Override
    public void spoil() {
        call.spoil();
    }

    @Override
    public RowError check() {
        return call.check();
    }

    @Override
    public void close() {
        call.close();
    }
}
