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
 * facade that allocates an output ({@code attend}); and a run with its wait ({@code waited}) beside the device's own time of it
 * ({@code event}).
 */
final class HostCost implements ReadyCase {
    private static final int CALLS = 200;

    private final AttentionCall call;
    private final Backend backend;
    private final ExecutionStream stream;

    HostCost(Backend backend, ExecutionStream stream, DeviceInputs inputs, GpuCase c) {
        this.call = new AttentionCall(backend, stream, inputs, c);
        this.backend = backend;
        this.stream = stream;
    }

    @Override
    public Measurement measure(int rounds) {
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

    /** Median of the time that a run takes to return, with the stream empty at first. */
    private double run() {
        double[] times = new double[CALLS];
        for (int i = 0; i < CALLS; i++) {
            long start = System.nanoTime();
            call.plan().run(call.arguments(), stream);
            times[i] = (System.nanoTime() - start) * 1e-9;
        }
        stream.await();
        return Measurement.median(times);
    }

    private double attend() {
        AttentionArguments a = call.arguments();
        List<Tensor> outputs = new ArrayList<>();
        double[] times = new double[CALLS];
        try {
            for (int i = 0; i < CALLS; i++) {
                long start = System.nanoTime();
                outputs.add(backend.attend(a.query(), a.key(), a.value(), Attention.full()));
                times[i] = (System.nanoTime() - start) * 1e-9;
            }
            outputs.getLast().toFloatArray(); // waits: the next round finds the memory of this one
        } finally {
            outputs.forEach(Tensor::close);
        }
        return Measurement.median(times);
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
