package dev.fovea.cpu;

import java.lang.foreign.MemorySegment;

/** Runs the loops of arithmetic and of reading memory on all threads of a pool. */
final class CpuRoofline {
    private static final int STEPS = 1_000_000;

    /** Bytes of a task: much less than a thread's share, much more than its hand-off costs. */
    private static final long PIECE = 1 << 20;

    private final CpuBackend backend;
    private final RooflineLoops loops;

    CpuRoofline(CpuBackend backend) {
        this.backend = backend;
        this.loops = backend.kernels().vectorBits() > 0 ? new VectorRoofline() : new ScalarRoofline();
    }

    double multiplyAdd() {
        int threads = backend.pool().size();
        backend.forEach(threads, 1, (_, _) -> loops.multiplyAdd(STEPS, new float[loops.lanes()]));
        return threads * loops.flopsOf(STEPS);
    }

    void sum(MemorySegment memory) {
        long bytes = memory.byteSize();
        backend.forEach(
                Math.ceilDiv(bytes, PIECE),
                1,
                (i, _) -> loops.sum(memory, i * PIECE, Math.min(bytes, (i + 1) * PIECE), new float[loops.lanes()]));
    }
}
