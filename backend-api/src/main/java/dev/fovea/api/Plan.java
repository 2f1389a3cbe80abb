package dev.fovea.api;

import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.Primitive;
import dev.fovea.api.spi.DevicePlan;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A primitive made ready on a device. Safe for use by several threads.
 *
 * @param <A> what a run takes
 */
public sealed class Plan<A extends Arguments> implements AutoCloseable permits AttentionPlan {
    final Backend backend;
    final DevicePlan device;
    private final Primitive<A> primitive;
    private volatile boolean closed;

    Plan(Backend backend, Primitive<A> primitive, DevicePlan device) {
        this.backend = backend;
        this.primitive = primitive;
        this.device = device;
    }

    public Primitive<A> primitive() {
        return primitive;
    }

    /** The chosen kernel and path in one line. */
    public String describe() {
        return device.describe();
    }

    /** An optional capability of the plan, one of the interfaces of {@code dev.fovea.api.spi} that say so. */
    public <T> Optional<T> capability(Class<T> type) {
        checkOpen();
        return type.isInstance(device) ? Optional.of(type.cast(device)) : Optional.empty();
    }

    /** Enqueues on the backend's default stream. */
    public void run(A arguments) {
        run(arguments, backend.defaultStream());
    }

    /** Enqueues on a stream and may return early; reading an output waits for it. */
    public void run(A arguments, ExecutionStream stream) {
        checkOpen();
        List<Tensor> inputs = arguments.inputs();
        List<Tensor> outputs = arguments.outputs();
        ArgumentCheck.tensors(backend, arguments, inputs, outputs);
        check(arguments);
        List<Allocation> held = new ArrayList<>(inputs.size() + outputs.size());
        try {
            for (Tensor t : inputs) {
                hold(t, held);
            }
            for (Tensor t : outputs) {
                hold(t, held);
            }
            device.run(arguments, stream);
            WrittenFacts.learn(primitive, arguments);
        } catch (RuntimeException | Error e) {
            WrittenFacts.forget(arguments);
            throw e;
        } finally {
            held.forEach(Allocation::release);
        }
    }

    /** Whether the arguments are what the primitive takes. */
    void check(A arguments) {
        ArgumentCheck.check(primitive, arguments);
    }

    private static void hold(Tensor tensor, List<Allocation> held) {
        Allocation a = tensor.allocation();
        a.retain();
        held.add(a);
    }

    void checkOpen() {
        if (closed) {
            throw new Closed("plan");
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            device.close();
        }
    }
}
