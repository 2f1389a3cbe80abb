package dev.fovea.cpu;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeySource.Selection;
import dev.fovea.api.spec.Schedule;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.api.spi.DeviceSchedule;
import dev.fovea.api.spi.Explained;
import dev.fovea.cpu.AttentionWork.Shape;
import dev.fovea.cpu.AttentionWork.Task;
import dev.fovea.cpu.AttentionWork.Unit;
import dev.fovea.cpu.Scratch.Role;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Attention in tasks; how they are cut depends on the shapes alone. */
final class AttentionCpuPlan implements DevicePlan, Explained {
    private final CpuBackend backend;
    private final AttentionSpec spec;
    private final AttentionPrograms programs;
    private volatile @Nullable Cut lastCut;

    AttentionCpuPlan(CpuBackend backend, AttentionSpec spec) {
        this.backend = backend;
        this.spec = spec;
        this.programs = AttentionPrograms.of(spec);
    }

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        backend.checkOpen();
        AttentionArguments a = (AttentionArguments) arguments;
        AttentionCall call = new AttentionCall(spec, a);
        AttentionWork work = work(call, a.schedule());
        boolean small = backend.kernels().vectorBits() == SmallBlock.VECTOR_BITS
                && SmallBlock.fits(call, programs)
                && backend.kernels().small().getAsBoolean();
        Scratch shared = backend.scratch().take();
        try {
            float[] workspace = shared.floats(Role.WORKSPACE, work.workspace());
            backend.forEach(
                    work.tasks().size(),
                    1,
                    (i, scratch) -> run(call, work, work.tasks().get((int) i), small, workspace, scratch));
            backend.forEach(work.units().size(), 1, (i, scratch) -> {
                Unit u = work.units().get((int) i);
                new RowOutput(call, scratch, u.batch(), u.group())
                        .merge(u.first(), u.rows(), u.splits(), workspace, u.result());
            });
        } finally {
            backend.scratch().giveBack(shared);
        }
    }

    private AttentionWork work(AttentionCall call, @Nullable Schedule schedule) {
        if (schedule != null && schedule.device() instanceof AttentionWork given) {
            return given;
        }
        Shape shape = Shape.of(call);
        Cut last = lastCut;
        if (call.selection == null && last != null && last.of(shape)) {
            return last.work;
        }
        AttentionWork work = AttentionWork.cut(shape, backend.kernels(), call.selection);
        lastCut = call.selection == null ? new Cut(shape, work) : null;
        return work;
    }

    /** Work as it was cut for a shape: of short calls the cut takes a noticeable part. */
    private record Cut(Shape shape, AttentionWork work) {
        boolean of(Shape other) {
            return shape.groupHeads() == other.groupHeads()
                    && Arrays.equals(shape.queryLengths(), other.queryLengths())
                    && Arrays.equals(shape.keyLengths(), other.keyLengths());
        }
    }

    private void run(
            AttentionCall call, AttentionWork work, Task task, boolean small, float[] workspace, Scratch scratch) {
        int keyHead = call.keyHead(task.group());
        int length = call.keyLength(task.batch(), keyHead);
        KeyList keys = call.selection == null
                ? new KeyList(null, length)
                : call.selection.keys(task.batch(), task.group() * call.groupHeads, task.block(), length, scratch);
        if (!task.few()) {
            if (small
                    && SmallBlock.fits(task.rows())
                    && SmallBlock.of(call, backend.kernels(), scratch)
                            .run(task.batch(), task.group(), task.first(), task.rows())) {
                return;
            }
            new QueryBlock(call, programs, backend.kernels(), scratch, task.batch(), task.group(), keys)
                    .run(task.first(), task.rows());
            return;
        }
        boolean whole = task.split() < 0;
        int from = whole ? 0 : Math.min(keys.count(), task.split() * work.split());
        int to = whole ? keys.count() : Math.min(keys.count(), from + work.split());
        RowResult result = new RowBlock(
                        call, programs, backend.kernels(), scratch, task.batch(), task.group(), keys, task.rows())
                .run(task.first(), from, to);
        if (whole) {
            new RowOutput(call, scratch, task.batch(), task.group()).write(task.first(), result);
        } else {
            result.save(workspace, task.result());
        }
    }

    /** Of a selection the tasks depend on the lists, so that there is nothing to prepare. */
    @Override
    public DeviceSchedule schedule(int[] queryLengths, int[] keyLengths) {
        if (spec.source().selection() != Selection.ALL) {
            return new DeviceSchedule.None();
        }
        Shape shape = new Shape(spec, AttentionCall.groupHeads(spec), queryLengths, keyLengths);
        return AttentionWork.cut(shape, backend.kernels(), null);
    }

    @Override
    public boolean settled() {
        return Warming.settled();
    }

    @Override
    public String describe() {
        return "cpu, " + backend.kernels().describe() + ", " + backend.pool().size() + " threads" + programs.describe();
    }

    @Override
    public void close() {}

    @Override
    public String source() {
        return programs.source();
    }
}
