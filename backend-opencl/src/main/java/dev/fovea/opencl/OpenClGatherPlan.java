package dev.fovea.opencl;

import static dev.fovea.opencl.Launches.memory;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.GatherArguments;
import dev.fovea.api.spec.GatherSpec;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.kernels.GatherBlock;
import dev.fovea.kernels.OperationKernels;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.KernelArgument;
import dev.fovea.opencl.runtime.KernelArgument.Value;
import dev.fovea.opencl.runtime.Launch;
import java.util.List;

/** Rows picked by index. */
final class OpenClGatherPlan implements DevicePlan {
    private final OpenClBackend backend;
    private final GatherSpec spec;
    private final ContextKernel kernel;

    OpenClGatherPlan(OpenClBackend backend, GatherSpec spec) {
        this.backend = backend;
        this.spec = spec;
        this.kernel = new ContextKernel(OperationKernels.gather(spec));
        kernel.in(backend.context());
    }

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        GatherArguments a = (GatherArguments) arguments;
        GatherBlock block = GatherBlock.of(spec, a);
        List<KernelArgument> list =
                List.of(memory(a.source()), memory(a.indices()), memory(a.output()), new Value(block.bytes()));
        long groups = Launches.groups(block.groups());
        DeviceContext context = backend.context();
        Launches.stream(stream)
                .run(context, List.of(new Launch(kernel.in(context), list, groups, OperationKernels.GATHER_THREADS)));
    }

    @Override
    public String describe() {
        return "gather.cl: rows of " + spec.dtype() + ", work-groups of " + OperationKernels.GATHER_THREADS;
    }

    @Override
    public void close() {
        kernel.close();
    }
}
