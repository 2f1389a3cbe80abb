package dev.fovea.cpu;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.ReduceArguments;
import dev.fovea.api.spec.ReduceSpec;
import dev.fovea.api.spi.DevicePlan;

/** Rows brought down to one number each. */
record ReduceCpuPlan(CpuBackend backend, ReduceSpec spec) implements DevicePlan {
    private static final int ROWS_A_TASK = 16;

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        backend.checkOpen();
        ReduceArguments a = (ReduceArguments) arguments;
        Elements input = Elements.of(a.input());
        Elements output = Elements.ofRows(a.output());
        long rows = output.size(2);
        backend.forEach(output.count(), ROWS_A_TASK, (i, scratch) -> {
            long q = i % rows;
            long h = i / rows % output.size(1);
            long b = i / rows / output.size(1);
            long at = output.at(b, h, q, 0);
            if (spec.rule().givesIndex()) {
                output.put(at, best(input, b, h, q));
            } else {
                output.put(at, value(input, b, h, q));
            }
        });
    }

    private int best(Elements input, long b, long h, long q) {
        float sign = spec.rule() == ReduceSpec.Rule.ARGMAX ? 1 : -1;
        float most = Float.NEGATIVE_INFINITY;
        int index = -1;
        for (int d = 0; d < input.size(3); d++) {
            float x = sign * input.floatAt(input.at(b, h, q, d));
            if (x > most) {
                most = x;
                index = d;
            }
        }
        return index;
    }

    private float value(Elements input, long b, long h, long q) {
        long n = input.size(3);
        return switch (spec.rule()) {
            case SUM -> sum(input, b, h, q);
            case MEAN -> sum(input, b, h, q) / n;
            default -> {
                boolean max = spec.rule() == ReduceSpec.Rule.MAX;
                float most = max ? Float.NEGATIVE_INFINITY : Float.POSITIVE_INFINITY;
                for (long d = 0; d < n; d++) {
                    float x = input.floatAt(input.at(b, h, q, d));
                    most = max ? Math.max(most, x) : Math.min(most, x);
                }
                yield most;
            }
        };
    }

    private static float sum(Elements input, long b, long h, long q) {
        double sum = 0;
        for (long d = 0; d < input.size(3); d++) {
            sum += input.floatAt(input.at(b, h, q, d));
        }
        return (float) sum;
    }

    @Override
    public String describe() {
        return "cpu, " + spec.rule() + " of rows, " + backend.pool().size() + " threads";
    }

    @Override
    public void close() {}
}
