package dev.fovea.cpu;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.MatMulArguments;
import dev.fovea.api.spec.MatMulSpec;
import dev.fovea.api.spi.DevicePlan;
import java.util.Arrays;

/** Products of matrices, an output row at a time. */
record MatMulCpuPlan(CpuBackend backend, MatMulSpec spec) implements DevicePlan {
    private static final int ROWS_A_TASK = 8;

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        backend.checkOpen();
        MatMulArguments a = (MatMulArguments) arguments;
        Elements left = Elements.of(a.left());
        Elements right = Elements.of(a.right());
        Elements output = Elements.of(a.output());
        long m = output.size(2);
        long k = left.size(3);
        int n = (int) output.size(3);
        backend.forEach(output.size(0) * output.size(1) * m, ROWS_A_TASK, (i, scratch) -> {
            long row = i % m;
            long h = i / m % output.size(1);
            long b = i / m / output.size(1);
            float[] sums = scratch.floats(Scratch.Role.ROW, n);
            Arrays.fill(sums, 0, n, 0);
            for (long x = 0; x < k; x++) {
                float factor = left.floatAt(left.at(b, h, row, x));
                for (int c = 0; c < n; c++) {
                    sums[c] = Math.fma(factor, right.floatAt(right.at(b, h, x, c)), sums[c]);
                }
            }
            for (int c = 0; c < n; c++) {
                output.put(output.at(b, h, row, c), sums[c]);
            }
        });
    }

    @Override
    public String describe() {
        return "cpu, products of matrices, " + backend.pool().size() + " threads";
    }

    @Override
    public void close() {}
}
