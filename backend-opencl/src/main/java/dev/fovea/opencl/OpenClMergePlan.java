package dev.fovea.opencl;

import static dev.fovea.opencl.Launches.memory;
import static dev.fovea.opencl.Launches.optional;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.MergeArguments;
import dev.fovea.api.spec.MergeSpec;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.kernels.Kernels;
import dev.fovea.kernels.MergeBlock;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.KernelArgument;
import dev.fovea.opencl.runtime.KernelArgument.Value;
import dev.fovea.opencl.runtime.Launch;
import java.util.List;

/** Partials merged by a work-group for each row and each 32 columns. */
final class OpenClMergePlan implements DevicePlan {
    /** Work-items that bring parts together, and what small devices take. */
    private static final int THREADS = 128;

    private static final int FEW_THREADS = 32;

    private final OpenClBackend backend;
    private final MergeSpec spec;
    private final int threads;
    private final ContextKernel kernel;

    OpenClMergePlan(OpenClBackend backend, MergeSpec spec) {
        this.backend = backend;
        this.spec = spec;
        this.threads = threads(backend);
        this.kernel = new ContextKernel(Kernels.merge(spec, threads));
        kernel.in(backend.context());
    }

    static int threads(OpenClBackend backend) {
        return backend.info().maxWorkGroup() >= THREADS ? THREADS : FEW_THREADS;
    }

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        MergeArguments a = (MergeArguments) arguments;
        List<KernelArgument> list = List.of(
                memory(a.maxima()),
                memory(a.sums()),
                optional(a.weights()),
                memory(a.accumulators()),
                optional(a.sinks()),
                memory(a.output()),
                optional(a.logSumExp()),
                new Value(MergeBlock.of(a)));
        long rows = a.output().size(0) * a.output().size(1) * a.output().size(2);
        long groups = Launches.groups(rows * Math.ceilDiv(spec.valueDim(), Kernels.MERGE_COLUMNS));
        DeviceContext context = backend.context();
        Launches.stream(stream).run(context, List.of(new Launch(kernel.in(context), list, groups, threads)));
    }

    @Override
    public String describe() {
        return "merge.cl: a work-group of " + threads + " for each row and " + Kernels.MERGE_COLUMNS + " columns";
    }

    @Override
    public void close() {
        kernel.close();
    }
}
