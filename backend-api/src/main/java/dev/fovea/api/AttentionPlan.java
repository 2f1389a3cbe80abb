package dev.fovea.api;

import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spi.DevicePlan;
import java.util.ArrayList;
import java.util.List;

/** An attention spec made ready on a device. Safe for use by several threads. */
public final class AttentionPlan implements AutoCloseable {
    private final Backend backend;
    private final AttentionSpec spec;
    private final DevicePlan plan;
    private volatile boolean closed;

    AttentionPlan(Backend backend, AttentionSpec spec, DevicePlan plan) {
        this.backend = backend;
        this.spec = spec;
        this.plan = plan;
    }

    public AttentionSpec spec() {
        return spec;
    }

    /** The chosen kernel and path in one line. */
    public String describe() {
        return plan.describe();
    }

    /** Enqueues on the backend's default stream. */
    public void run(AttentionArguments arguments) {
        run(arguments, backend.defaultStream());
    }

    /** Enqueues on a stream and may return early; reading an output waits for it. */
    public void run(AttentionArguments arguments, ExecutionStream stream) {
        if (closed) {
            throw new Closed("plan");
        }
        AttentionCheck.check(backend, spec, arguments);
        List<Allocation> held = new ArrayList<>();
        try {
            for (Tensor t : arguments.inputs()) {
                hold(t, held);
            }
            for (Tensor t : arguments.outputs()) {
                hold(t, held);
            }
            plan.run(arguments, stream);
        } finally {
            held.forEach(Allocation::release);
        }
    }

    private static void hold(Tensor tensor, List<Allocation> held) {
        Allocation a = tensor.allocation();
        a.retain();
        held.add(a);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            plan.close();
        }
    }
}
