package dev.fovea.cpu;

import dev.fovea.api.DType;
import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.GatherArguments;
import dev.fovea.api.spec.GatherSpec;
import dev.fovea.api.spi.DevicePlan;

/** Rows picked by index. */
record GatherCpuPlan(CpuBackend backend, GatherSpec spec) implements DevicePlan {
    private static final int ROWS_A_TASK = 32;

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        backend.checkOpen();
        GatherArguments a = (GatherArguments) arguments;
        Elements source = Elements.of(a.source());
        Elements indices = Elements.ofRows(a.indices());
        Elements output = Elements.of(a.output());
        long m = output.size(2);
        long n = output.size(3);
        if (n == 0) {
            return; // rows of nothing have positions outside of their memory
        }
        backend.forEach(output.size(0) * output.size(1) * m, ROWS_A_TASK, (i, scratch) -> {
            long row = i % m;
            long h = i / m % output.size(1);
            long b = i / m / output.size(1);
            int from = indices.intAt(indices.at(b, h, row, 0));
            long at = output.at(b, h, row, 0);
            if (from >= 0) {
                output.copyRow(at, source, source.at(b, h, from, 0), n);
                return;
            }
            for (long d = 0; d < n; d++) {
                if (spec.dtype().isFloat()) {
                    output.put(at + d * output.stride(3), (float) a.fill());
                } else {
                    output.put(
                            at + d * output.stride(3),
                            spec.dtype() == DType.BOOL ? a.fill() == 0 ? 0 : 1 : (int) a.fill());
                }
            }
        });
    }

    @Override
    public String describe() {
        return "cpu, rows by index, " + backend.pool().size() + " threads";
    }

    @Override
    public void close() {}
}
