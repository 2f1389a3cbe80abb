package dev.fovea.cpu;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.ReduceArguments;
import dev.fovea.api.spec.ReduceSpec;
import dev.fovea.api.spec.ReduceSpec.Rule;
import dev.fovea.api.spi.DevicePlan;
import java.util.Arrays;

/**
 * Rows brought down to one number each. Along a row as many partial results as a run has elements are folded in halves; rows that are
 * neighbours in memory where their elements are not are folded side by side, in the order of their elements.
 */
record ReduceCpuPlan(CpuBackend backend, ReduceSpec spec) implements DevicePlan {
    /** A power of 2. */
    private static final int RUN = 256;

    private static final int ROWS_A_TASK = 16;

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        backend.checkOpen();
        ReduceArguments a = (ReduceArguments) arguments;
        Elements input = Elements.of(a.input());
        Elements output = Elements.ofRows(a.output());
        if (input.stride(3) != 1 && input.stride(2) == 1) {
            sideBySide(input, output);
            return;
        }
        long rows = output.size(2);
        backend.forEach(output.count(), ROWS_A_TASK, (i, scratch) -> {
            long q = i % rows;
            long h = i / rows % output.size(1);
            long b = i / rows / output.size(1);
            long at = output.at(b, h, q, 0);
            if (spec.rule().givesIndex()) {
                output.put(at, best(input, input.at(b, h, q, 0), scratch));
            } else {
                output.put(at, finished(along(input, input.at(b, h, q, 0), scratch), input.size(3)));
            }
        });
    }

    private float initial() {
        return switch (spec.rule()) {
            case SUM, MEAN -> 0;
            case MIN, ARGMIN -> Float.POSITIVE_INFINITY;
            case MAX, ARGMAX -> Float.NEGATIVE_INFINITY;
        };
    }

    private float finished(float x, long n) {
        return spec.rule() == Rule.MEAN ? x / n : x;
    }

    /** {@code a = a with b}, element by element. */
    private void fold(float[] a, float[] b, int n) {
        TileOps ops = backend.kernels().wide().ops();
        switch (spec.rule()) {
            case MAX -> ops.maxFloat(a, b, a, n);
            case MIN -> ops.minFloat(a, b, a, n);
            default -> ops.addFloat(a, b, a, n);
        }
    }

    private float along(Elements input, long at, Scratch scratch) {
        long n = input.size(3);
        float[] partial = scratch.floats(Scratch.Role.ACCUMULATOR, RUN);
        float[] run = scratch.floats(Scratch.Role.ROW, RUN);
        int width = RUN;
        while (width > 1 && width / 2 >= n) {
            width /= 2;
        }
        Arrays.fill(partial, 0, width, initial());
        for (long d = 0; d < n; d += width) {
            int count = (int) Math.min(width, n - d);
            input.read(at + d * input.stride(3), input.stride(3), run, 0, count, scratch);
            Arrays.fill(run, count, width, initial());
            fold(partial, run, width);
        }
        for (int half = width / 2; half > 0; half /= 2) {
            System.arraycopy(partial, half, run, 0, half);
            fold(partial, run, half);
        }
        return partial[0];
    }

    private int best(Elements input, long at, Scratch scratch) {
        float[] run = scratch.floats(Scratch.Role.ROW, RUN);
        boolean largest = spec.rule() == Rule.ARGMAX;
        float most = initial();
        int index = -1;
        for (long d = 0; d < input.size(3); d += RUN) {
            int count = (int) Math.min(RUN, input.size(3) - d);
            input.read(at + d * input.stride(3), input.stride(3), run, 0, count, scratch);
            for (int i = 0; i < count; i++) {
                if (largest ? run[i] > most : run[i] < most) {
                    most = run[i];
                    index = (int) d + i;
                }
            }
        }
        return index;
    }

    private void sideBySide(Elements input, Elements output) {
        long groups = Math.ceilDiv(output.size(2), RUN);
        backend.forEach(output.size(0) * output.size(1) * groups, 1, (t, scratch) -> {
            long h = t / groups % output.size(1);
            long b = t / groups / output.size(1);
            long first = t % groups * RUN;
            int rows = (int) Math.min(RUN, output.size(2) - first);
            float[] partial = scratch.floats(Scratch.Role.ACCUMULATOR, RUN);
            float[] run = scratch.floats(Scratch.Role.ROW, RUN);
            int[] index = scratch.ints(Scratch.Role.LIST, RUN);
            Arrays.fill(partial, initial());
            Arrays.fill(run, initial());
            Arrays.fill(index, -1);
            for (long d = 0; d < input.size(3); d++) {
                input.read(input.at(b, h, first, d), 1, run, 0, rows, scratch);
                if (spec.rule().givesIndex()) {
                    better(partial, run, index, rows, (int) d);
                } else {
                    fold(partial, run, RUN);
                }
            }
            for (int r = 0; r < rows; r++) {
                long at = output.at(b, h, first + r, 0);
                if (spec.rule().givesIndex()) {
                    output.put(at, index[r]);
                } else {
                    output.put(at, finished(partial[r], input.size(3)));
                }
            }
        });
    }

    private void better(float[] most, float[] run, int[] index, int rows, int d) {
        boolean largest = spec.rule() == Rule.ARGMAX;
        for (int r = 0; r < rows; r++) {
            if (largest ? run[r] > most[r] : run[r] < most[r]) {
                most[r] = run[r];
                index[r] = d;
            }
        }
    }

    @Override
    public String describe() {
        return "cpu, " + spec.rule() + " of rows, " + backend.kernels().describe() + ", "
                + backend.pool().size() + " threads";
    }

    @Override
    public void close() {}
}
