package dev.fovea.cpu;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spi.DevicePlan;

/** Attention over blocks of query rows: each block is one task, and how they are cut depends on the shape alone. */
final class AttentionCpuPlan implements DevicePlan {
    private final CpuBackend backend;
    private final AttentionSpec spec;
    private final AttentionPrograms programs;

    AttentionCpuPlan(CpuBackend backend, AttentionSpec spec) {
        this.backend = backend;
        this.spec = spec;
        this.programs = AttentionPrograms.of(spec);
    }

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        backend.checkOpen();
        AttentionCall call = new AttentionCall(spec, (AttentionArguments) arguments);
        Kernels kernels = backend.kernels().forRows(call.rows());
        int blockRows = QueryBlock.rows(call, kernels.lanes());
        long blocks = (call.rows() + blockRows - 1) / blockRows;
        long groups = call.groups();
        long tasks = call.batch * groups * blocks;
        backend.pool().run(tasks, next -> {
            Scratch scratch = backend.scratch().take();
            try {
                for (long i = next.next(); i >= 0; i = next.next()) {
                    // blocks of a head follow each other, since its keys are in the cache; the longest under a causal
                    // mask first
                    long block = blocks - 1 - i % blocks;
                    int group = (int) (i / blocks % groups);
                    int b = (int) (i / blocks / groups);
                    new QueryBlock(call, programs, kernels, scratch, b, group).run(block * blockRows, blockRows);
                }
            } finally {
                backend.scratch().giveBack(scratch);
            }
        });
    }

    @Override
    public String describe() {
        return "cpu, " + backend.kernels().describe() + ", " + backend.pool().size() + " threads" + programs.describe();
    }

    @Override
    public void close() {}
}
