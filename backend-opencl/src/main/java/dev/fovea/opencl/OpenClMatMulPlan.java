package dev.fovea.opencl;

import static dev.fovea.opencl.Launches.memory;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.MatMulArguments;
import dev.fovea.api.spec.MatMulSpec;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.kernels.MatMulBlock;
import dev.fovea.kernels.MatMulShape;
import dev.fovea.kernels.OperationKernels;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.KernelArgument;
import dev.fovea.opencl.runtime.KernelArgument.Value;
import dev.fovea.opencl.runtime.Launch;
import java.util.List;

/** Products of matrices: tiles, or for few rows or columns a kernel that shares the inner axis among work-items. */
final class OpenClMatMulPlan implements DevicePlan {
    private final OpenClBackend backend;
    private final MatMulShape shape;
    private final ContextKernel tiles;
    private final ContextKernel fewRows;
    private final ContextKernel fewColumns;

    OpenClMatMulPlan(OpenClBackend backend, MatMulSpec spec) {
        this.backend = backend;
        this.shape = MatMulShape.of(backend.info().maxWorkGroup());
        this.tiles = new ContextKernel(OperationKernels.matmul(spec, shape));
        this.fewRows = new ContextKernel(OperationKernels.matmulRows(spec, shape));
        // the same text, and so no build of its own, where both sides have one type
        this.fewColumns = new ContextKernel(
                OperationKernels.matmulRows(new MatMulSpec(spec.right(), spec.left(), spec.output()), shape));
        tiles.in(backend.context());
    }

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        MatMulArguments a = (MatMulArguments) arguments;
        MatMulBlock block = MatMulBlock.of(a, shape);
        List<KernelArgument> list = List.of(
                memory(block.turned() ? a.right() : a.left()),
                memory(block.turned() ? a.left() : a.right()),
                memory(a.output()),
                new Value(block.bytes()));
        ContextKernel kernel = !block.few() ? tiles : block.turned() ? fewColumns : fewRows;
        DeviceContext context = backend.context();
        Launches.stream(stream)
                .run(
                        context,
                        List.of(new Launch(
                                kernel.in(context), list, Launches.groups(block.groups()), shape.threads())));
    }

    @Override
    public String describe() {
        return "matmul.cl: work-groups of " + shape.threads() + " for tiles, or for few rows or columns";
    }

    @Override
    public void close() {
        tiles.close();
        fewRows.close();
        fewColumns.close();
    }
}
