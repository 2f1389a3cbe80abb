package dev.fovea.opencl;

import static dev.fovea.opencl.Launches.memory;
import static dev.fovea.opencl.Launches.optional;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.SelectArguments;
import dev.fovea.api.spec.SelectSpec;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.kernels.OperationKernels;
import dev.fovea.kernels.SelectBlock;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.KernelArgument;
import dev.fovea.opencl.runtime.KernelArgument.Value;
import dev.fovea.opencl.runtime.Launch;
import java.util.List;

/** The largest of each row by a work-group. */
final class OpenClSelectPlan implements DevicePlan {
    private final OpenClBackend backend;
    private final int threads;
    private final ContextKernel kernel;

    OpenClSelectPlan(OpenClBackend backend, SelectSpec spec) {
        this.backend = backend;
        this.threads = OpenClMergePlan.threads(backend);
        this.kernel = new ContextKernel(OperationKernels.select(spec, threads));
        kernel.in(backend.context());
    }

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        SelectArguments a = (SelectArguments) arguments;
        SelectBlock block = SelectBlock.of(a);
        List<KernelArgument> list = List.of(
                memory(a.scores()),
                memory(a.indices()),
                optional(a.counts()),
                optional(a.chosen()),
                new Value(block.bytes()));
        long groups = Launches.groups(block.groups());
        DeviceContext context = backend.context();
        Launches.stream(stream).run(context, List.of(new Launch(kernel.in(context), list, groups, threads)));
    }

    @Override
    public String describe() {
        return "select.cl: a work-group of " + threads + " for each row";
    }

    @Override
    public void close() {
        kernel.close();
    }
}
