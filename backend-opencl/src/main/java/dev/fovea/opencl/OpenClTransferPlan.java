package dev.fovea.opencl;

import static dev.fovea.opencl.Launches.memory;
import static dev.fovea.opencl.Launches.optional;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.TransferArguments;
import dev.fovea.api.spec.TransferSpec;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.kernels.Kernels;
import dev.fovea.kernels.TransferBlock;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.KernelArgument;
import dev.fovea.opencl.runtime.KernelArgument.Value;
import dev.fovea.opencl.runtime.Launch;
import java.util.List;

/** Rows moved by a work-group for each row of each head. */
final class OpenClTransferPlan implements DevicePlan {
    private final OpenClBackend backend;
    private final TransferSpec spec;
    private final ContextKernel kernel;

    OpenClTransferPlan(OpenClBackend backend, TransferSpec spec) {
        this.backend = backend;
        this.spec = spec;
        this.kernel = new ContextKernel(Kernels.transfer(spec));
        kernel.in(backend.context());
    }

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        TransferArguments a = (TransferArguments) arguments;
        int last = a.sourceSlots().rank() - 1;
        long groups = Launches.groups(a.sourceSlots().size(last) * spec.heads());
        List<KernelArgument> list = List.of(
                memory(a.source()),
                optional(a.sourceScales()),
                optional(a.sourceZeros()),
                memory(a.target()),
                optional(a.targetScales()),
                optional(a.targetZeros()),
                memory(a.sourceSlots()),
                memory(a.targetSlots()),
                new Value(TransferBlock.of(spec, a)));
        DeviceContext context = backend.context();
        Launches.stream(stream)
                .run(context, List.of(new Launch(kernel.in(context), list, groups, Kernels.TRANSFER_THREADS)));
    }

    @Override
    public String describe() {
        return "transfer.cl: rows from " + spec.from() + " to " + spec.to() + ", a work-group of "
                + Kernels.TRANSFER_THREADS + " for each row and head";
    }

    @Override
    public void close() {
        kernel.close();
    }
}
