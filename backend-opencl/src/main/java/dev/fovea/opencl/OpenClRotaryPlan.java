package dev.fovea.opencl;

import static dev.fovea.opencl.Launches.memory;
import static dev.fovea.opencl.Launches.optional;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.RotaryArguments;
import dev.fovea.api.spec.RotarySpec;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.kernels.Kernels;
import dev.fovea.kernels.RotaryBlock;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.KernelArgument;
import dev.fovea.opencl.runtime.KernelArgument.Value;
import dev.fovea.opencl.runtime.Launch;
import java.util.List;

/** Rotary position embedding by a work-item for each pair. */
final class OpenClRotaryPlan implements DevicePlan {
    private final OpenClBackend backend;
    private final RotarySpec spec;
    private final ContextKernel kernel;

    OpenClRotaryPlan(OpenClBackend backend, RotarySpec spec) {
        this.backend = backend;
        this.spec = spec;
        this.kernel = new ContextKernel(Kernels.rotary(spec));
        kernel.in(backend.context());
    }

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        RotaryArguments a = (RotaryArguments) arguments;
        long groups = Launches.groups(Math.ceilDiv(RotaryBlock.items(spec, a), Kernels.ROTARY_THREADS));
        List<KernelArgument> list = List.of(
                memory(a.input()),
                memory(a.output()),
                memory(a.positions()),
                memory(a.cosines()),
                memory(a.sines()),
                optional(a.sections()),
                new Value(RotaryBlock.of(spec, a)));
        DeviceContext context = backend.context();
        Launches.stream(stream)
                .run(context, List.of(new Launch(kernel.in(context), list, groups, Kernels.ROTARY_THREADS)));
    }

    @Override
    public String describe() {
        return "rotary.cl: a work-item for each pair of columns";
    }

    @Override
    public void close() {
        kernel.close();
    }
}
