package dev.fovea.cpu;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.RotaryArguments;
import dev.fovea.api.spec.RotarySpec;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.cpu.Scratch.Role;

/** Rows turned one position at a time, all its heads together, since they share cosines and sines. */
record RotaryCpuPlan(CpuBackend backend, RotarySpec spec) implements DevicePlan {
    private static final int POSITIONS_A_TASK = 8;

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        backend.checkOpen();
        RotaryArguments a = (RotaryArguments) arguments;
        Tensor x = a.input();
        Rows input = Rows.of(x);
        Rows output = Rows.of(a.output());
        Strided positions = Strided.of(a.positions());
        Strided cosines = Strided.of(a.cosines());
        Strided sines = Strided.of(a.sines());
        int[] axes = new int[spec.pairs()];
        if (a.sections() != null) {
            Strided.of(a.sections()).read(Strided.of(a.sections()).at(0, 0, 0, 0), axes, 0, axes.length);
        }
        long heads = x.size(1);
        long length = x.size(2);
        backend.forEach(x.size(0) * length, POSITIONS_A_TASK, (i, scratch) -> {
            long b = i / length;
            long s = i % length;
            float[] cos = scratch.floats(Role.TILE, spec.pairs());
            float[] sin = scratch.floats(Role.SUM, spec.pairs());
            if (spec.sections() == 1) {
                long p = positions.intAt(b, s, 0, 0);
                cosines.read(cosines.at(p, 0, 0, 0), cos, spec.pairs());
                sines.read(sines.at(p, 0, 0, 0), sin, spec.pairs());
            } else {
                for (int r = 0; r < axes.length; r++) {
                    long p = positions.intAt(axes[r], b, s, 0);
                    cos[r] = cosines.floatAt(p, r, 0, 0);
                    sin[r] = sines.floatAt(p, r, 0, 0);
                }
            }
            float[] row = scratch.floats(Role.ROW, spec.dim());
            float[] turned = scratch.floats(Role.RESCALE, spec.dim());
            for (long h = 0; h < heads; h++) {
                input.read(b, h, s, 1, row, 0, spec.dim(), scratch);
                System.arraycopy(row, spec.rotaryDim(), turned, spec.rotaryDim(), spec.dim() - spec.rotaryDim());
                RowTurn.turn(spec.pairing(), row, 0, turned, cos, sin, spec.pairs());
                output.write(b, h, s, 1, turned, 0, scratch);
            }
        });
    }

    @Override
    public String describe() {
        return "cpu, rotary by " + spec.pairing() + ", " + backend.pool().size() + " threads";
    }

    @Override
    public void close() {}
}
