package dev.fovea.cpu;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.TransferArguments;
import dev.fovea.api.spec.TransferSpec;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.cpu.Scratch.Role;

/** Rows moved between slots, each on its own. */
record TransferCpuPlan(CpuBackend backend, TransferSpec spec) implements DevicePlan {
    private static final int ROWS_A_TASK = 64;

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        backend.checkOpen();
        TransferArguments a = (TransferArguments) arguments;
        KvRows source = KvRows.of(spec.from(), spec.dim(), a.source(), a.sourceScales(), a.sourceZeros());
        KvRows target = KvRows.of(spec.to(), spec.dim(), a.target(), a.targetScales(), a.targetZeros());
        Strided from = Strided.of(a.sourceSlots());
        Strided to = Strided.of(a.targetSlots());
        boolean fromHeads = from.rank() == 2;
        boolean toHeads = to.rank() == 2;
        long sourceSize = a.source().size(2);
        long targetSize = a.target().size(2);
        boolean bytes = spec.from() == spec.to() && spec.from() != KvFormat.FP8;
        long count = length(a.sourceSlots());
        // neighbours in a slot list are neighbours in memory, so that heads come in the outer order
        backend.forEach(count * spec.heads(), ROWS_A_TASK, (i, scratch) -> {
            long head = i / count;
            long n = i % count;
            long s = fromHeads ? from.intAt(head, n, 0, 0) : from.intAt(n, 0, 0, 0);
            long t = toHeads ? to.intAt(head, n, 0, 0) : to.intAt(n, 0, 0, 0);
            if (s < 0 || t < 0) {
                return;
            }
            if (bytes) {
                target.copyRow(t / targetSize, head, t % targetSize, source, s / sourceSize, s % sourceSize);
                return;
            }
            float[] row = scratch.floats(Role.ROW, spec.dim());
            source.read(s / sourceSize, head, s % sourceSize, 1, row, 0, spec.dim(), scratch);
            target.write(t / targetSize, head, t % targetSize, row, scratch);
        });
    }

    private static long length(Tensor slots) {
        return slots.size(slots.rank() - 1);
    }

    @Override
    public String describe() {
        return "cpu, rows " + spec.from() + " to " + spec.to() + ", "
                + backend.pool().size() + " threads";
    }

    @Override
    public void close() {}
}
