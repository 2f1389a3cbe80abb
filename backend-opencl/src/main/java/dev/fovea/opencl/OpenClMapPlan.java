package dev.fovea.opencl;

import static dev.fovea.opencl.Launches.memory;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.MapArguments;
import dev.fovea.api.spec.MapSpec;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.kernels.MapBlock;
import dev.fovea.kernels.OperationKernels;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.KernelArgument;
import dev.fovea.opencl.runtime.KernelArgument.Value;
import dev.fovea.opencl.runtime.Launch;
import java.util.ArrayList;
import java.util.List;

/** Elements by an expression. The kernel with 64-bit distances is built at the first run that needs it. */
final class OpenClMapPlan implements DevicePlan {
    private final OpenClBackend backend;
    private final MapSpec spec;
    private final ContextKernel narrow;
    private final ContextKernel wide;

    OpenClMapPlan(OpenClBackend backend, MapSpec spec) {
        this.backend = backend;
        this.spec = spec;
        this.narrow = new ContextKernel(OperationKernels.map(spec, false));
        this.wide = new ContextKernel(OperationKernels.map(spec, true));
        narrow.in(backend.context());
    }

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        MapArguments a = (MapArguments) arguments;
        run(a, stream, MapBlock.needsWide(a));
    }

    void run(MapArguments a, ExecutionStream stream, boolean isWide) {
        ContextKernel kernel = isWide ? wide : narrow;
        List<KernelArgument> list = new ArrayList<>(List.of(memory(a.output()), new Value(MapBlock.of(a))));
        list.addAll(Launches.expressions(kernel.source(), a.captures(), a.scalars(), spec.scalars()));
        long groups = Launches.groups(MapBlock.groups(a));
        DeviceContext context = backend.context();
        Launches.stream(stream)
                .run(context, List.of(new Launch(kernel.in(context), list, groups, OperationKernels.MAP_THREADS)));
    }

    @Override
    public String describe() {
        return "map.cl: " + OperationKernels.MAP_ELEMENTS + " elements for each work-item";
    }

    @Override
    public void close() {
        narrow.close();
        wide.close();
    }
}
