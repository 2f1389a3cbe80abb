package dev.fovea.opencl;

import static dev.fovea.opencl.Launches.memory;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.MatMulArguments;
import dev.fovea.api.spec.MatMulSpec;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.kernels.MatMulBlock;
import dev.fovea.kernels.MatMulShape;
import dev.fovea.kernels.OperationKernels;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.KernelArgument;
import dev.fovea.opencl.runtime.KernelArgument.Value;
import dev.fovea.opencl.runtime.Launch;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Products of matrices: tiles of two sizes, or for few rows or columns a kernel that shares the inner axis among work-items. */
final class OpenClMatMulPlan implements DevicePlan {
    /** Work-groups that can have tiles of twice the size. */
    private static final int LARGE_THREADS = 256;

    private final OpenClBackend backend;
    private final MatMulShape shape;
    private final ContextKernel tiles;
    private final ContextKernel fewRows;
    private final @Nullable ContextKernel largeTiles;
    private final long enough;

    OpenClMatMulPlan(OpenClBackend backend, MatMulSpec spec) {
        this(
                backend,
                spec,
                backend.info().kind() == DeviceInfo.Kind.OPENCL_CPU
                        ? Long.MAX_VALUE
                        : backend.info().computeUnits());
    }

    /** Takes large tiles where there are {@code enough}. */
    OpenClMatMulPlan(OpenClBackend backend, MatMulSpec spec, long enough) {
        this.backend = backend;
        this.shape = MatMulShape.of(backend.info().maxWorkGroup());
        this.tiles = new ContextKernel(OperationKernels.matmul(spec, shape));
        this.fewRows = new ContextKernel(OperationKernels.matmulRows(spec, shape));
        boolean large = enough < Long.MAX_VALUE && shape.threads() >= LARGE_THREADS;
        this.largeTiles = large ? new ContextKernel(OperationKernels.matmul(spec, shape.larger())) : null;
        this.enough = enough;
        DeviceContext context = backend.context();
        tiles.in(context);
        if (largeTiles != null) {
            largeTiles.in(context);
        }
    }

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        MatMulArguments a = (MatMulArguments) arguments;
        MatMulBlock block = MatMulBlock.of(a, shape);
        ContextKernel kernel = block.few() ? fewRows : tiles;
        if (!block.few() && largeTiles != null) {
            MatMulBlock large = MatMulBlock.of(a, shape.larger());
            if (large.groups() >= enough) {
                block = large;
                kernel = largeTiles;
            }
        }
        List<KernelArgument> list = List.of(
                memory(block.turned() ? a.right() : a.left()),
                memory(block.turned() ? a.left() : a.right()),
                memory(a.output()),
                new Value(block.bytes()));
        long groups = Launches.groups(block.groups());
        DeviceContext context = backend.context();
        Launches.stream(stream).run(context, List.of(new Launch(kernel.in(context), list, groups, shape.threads())));
    }

    @Override
    public String describe() {
        return "matmul.cl: work-groups of " + shape.threads() + " for tiles, or for few rows or columns";
    }

    @Override
    public void close() {
        tiles.close();
        fewRows.close();
        if (largeTiles != null) {
            largeTiles.close();
        }
    }
}
