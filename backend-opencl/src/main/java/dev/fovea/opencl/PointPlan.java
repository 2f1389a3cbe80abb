package dev.fovea.opencl;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.api.spi.TuningPoint;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceStream;
import java.util.function.Supplier;

/** One kernel at one point, and no other. */
final class PointPlan implements DevicePlan {
    /** Enqueues a run; false if the kernel does not do it. */
    private interface Way {
        boolean run(AttentionArguments a, DeviceContext context, DeviceStream stream);
    }

    private final OpenClBackend backend;
    private final TuningPoint point;
    private final Way way;
    private final Supplier<String> description;
    private final Runnable closing;

    private PointPlan(
            OpenClBackend backend, TuningPoint point, Way way, Supplier<String> description, Runnable closing) {
        this.backend = backend;
        this.point = point;
        this.way = way;
        this.description = description;
        this.closing = closing;
    }

    /** Builds the kernel of the usual case. */
    static PointPlan of(OpenClBackend backend, EnginePath path, TuningPoint point) {
        try {
            if (!path.prepare(backend.context())) {
                throw new Unsupported("there is no kernel with " + point + " that could be used", "choose another");
            }
        } catch (RuntimeException e) {
            path.close();
            throw e;
        }
        return new PointPlan(backend, point, path::run, path::describe, path::close);
    }

    static PointPlan of(OpenClBackend backend, DecodePath path, TuningPoint point) {
        try {
            path.prepare(backend.context());
        } catch (RuntimeException e) {
            path.close();
            throw e;
        }
        return new PointPlan(
                backend,
                point,
                (a, context, stream) -> {
                    DecodePath.Work work = path.suited(a);
                    if (work != null) {
                        path.run(a, work, context, stream);
                    }
                    return work != null;
                },
                path::describe,
                path::close);
    }

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        if (!way.run((AttentionArguments) arguments, backend.context(), Launches.stream(stream))) {
            throw new Unsupported("the kernel with " + point + " does not do this run", "choose another");
        }
    }

    @Override
    public String describe() {
        return description.get() + " at " + point;
    }

    @Override
    public void close() {
        closing.run();
    }
}
