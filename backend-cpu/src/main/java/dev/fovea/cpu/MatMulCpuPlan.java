package dev.fovea.cpu;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.MatMulArguments;
import dev.fovea.api.spec.MatMulSpec;
import dev.fovea.api.spi.DevicePlan;

/**
 * Products of matrices by the kernels of attention: tiles with lanes along the columns, or, for few rows, passes that read the right
 * matrix once. Leading axes that the right repeats and the others continue are more rows of one product.
 */
record MatMulCpuPlan(CpuBackend backend, MatMulSpec spec) implements DevicePlan {
    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        backend.checkOpen();
        MatMulArguments a = (MatMulArguments) arguments;
        Elements left = Elements.of(a.left());
        Elements right = Elements.of(a.right());
        Elements output = Elements.of(a.output());
        for (int i = 0; i < 2 && right.stride(1) == 0 && left.folds() && output.folds(); i++) {
            left = left.folded();
            output = output.folded();
            right = right.unfolded();
        }
        if (output.count() == 0) {
            return;
        }
        if (output.size(2) <= FewRowsProduct.MOST_ROWS) {
            new FewRowsProduct(left, right, output, backend.kernels()).run(backend);
        } else {
            new TiledProduct(left, right, output, backend.kernels()).run(backend);
        }
    }

    @Override
    public String describe() {
        return "cpu, products of matrices, " + backend.kernels().describe() + ", "
                + backend.pool().size() + " threads";
    }

    @Override
    public void close() {}
}
