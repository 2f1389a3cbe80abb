package dev.fovea.opencl;

import static dev.fovea.opencl.Launches.memory;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.ReduceArguments;
import dev.fovea.api.spec.ReduceSpec;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.kernels.OperationKernels;
import dev.fovea.kernels.ReduceBlock;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.KernelArgument;
import dev.fovea.opencl.runtime.KernelArgument.Value;
import dev.fovea.opencl.runtime.Launch;
import java.util.List;

/** Rows brought down to one number each, by as many work-items as their length is worth. */
final class OpenClReducePlan implements DevicePlan {
    private final OpenClBackend backend;
    private final ReduceSpec spec;
    private final int threads;
    private final ContextKernel kernel;

    OpenClReducePlan(OpenClBackend backend, ReduceSpec spec) {
        this.backend = backend;
        this.spec = spec;
        this.threads = OpenClMergePlan.threads(backend);
        this.kernel = new ContextKernel(OperationKernels.reduce(spec, threads));
        kernel.in(backend.context());
    }

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        ReduceArguments a = (ReduceArguments) arguments;
        ReduceBlock block = ReduceBlock.of(a, threads);
        List<KernelArgument> list = List.of(memory(a.input()), memory(a.output()), new Value(block.bytes()));
        long groups = Launches.groups(block.groups());
        DeviceContext context = backend.context();
        Launches.stream(stream).run(context, List.of(new Launch(kernel.in(context), list, groups, threads)));
    }

    @Override
    public String describe() {
        return "reduce.cl: " + spec.rule() + " of rows, work-groups of " + threads;
    }

    @Override
    public void close() {
        kernel.close();
    }
}
