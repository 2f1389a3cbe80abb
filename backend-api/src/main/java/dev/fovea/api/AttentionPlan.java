package dev.fovea.api;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.expr.ExprLeaves;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.Schedule;
import dev.fovea.api.spi.DevicePlan;
import java.time.Duration;
import java.util.Arrays;

/** Attention made ready on a device. Safe for use by several threads. */
public final class AttentionPlan extends Plan<AttentionArguments> {
    private static final int LEAST_RUNS = 20;

    /** Longer than the compiler takes for the largest kernel. */
    private static final long SETTLED_NANOS = 500_000_000;

    /** A run that is faster by this part of the best is progress. */
    private static final int WORTH_WAITING = 16;

    private final AttentionSpec spec;
    private final ExprLeaves leaves;

    AttentionPlan(Backend backend, AttentionSpec spec, DevicePlan plan) {
        super(backend, spec, plan);
        this.spec = spec;
        this.leaves = spec.leaves();
    }

    ExprLeaves leaves() {
        return leaves;
    }

    @Override
    void check(AttentionArguments arguments) {
        AttentionCheck.check(spec, leaves, arguments);
    }

    public AttentionSpec spec() {
        return spec;
    }

    /**
     * Cuts and orders the work of one step for sequences of these lengths, longest first; the calls of all layers share it.
     *
     * @param queryLengths queries of each sequence
     * @param keyLengths keys of each sequence, the longest of its heads
     */
    public Schedule schedule(int[] queryLengths, int[] keyLengths) {
        checkOpen();
        if (queryLengths.length != keyLengths.length) {
            throw new InvalidArgument(
                    "key lengths",
                    queryLengths.length + " numbers, as there are query lengths",
                    keyLengths.length + "",
                    "give both for each sequence");
        }
        for (int[] lengths : new int[][] {queryLengths, keyLengths}) {
            if (Arrays.stream(lengths).anyMatch(n -> n < 0)) {
                throw new InvalidArgument("lengths", "at least 0", Arrays.toString(lengths), "correct them");
            }
        }
        return new Schedule(
                spec,
                Arrays.stream(queryLengths).boxed().toList(),
                Arrays.stream(keyLengths).boxed().toList(),
                device.schedule(queryLengths.clone(), keyLengths.clone()));
    }

    /**
     * Runs a call again and again until it gets no faster, so that those that follow run compiled code: a JVM interprets at first, and its
     * compiler works beside it. The outputs hold the call's result in the end.
     *
     * @param arguments like those to come; their sizes decide which of the plan's ways is warm
     * @param most time after which it gives up
     * @return runs that it took
     */
    public int warmUp(AttentionArguments arguments, Duration most) {
        long start = System.nanoTime();
        long best = Long.MAX_VALUE;
        long betterAt = start;
        for (int runs = 1; ; runs++) {
            long before = System.nanoTime();
            run(arguments);
            backend.defaultStream().await();
            long end = System.nanoTime();
            if (end - before < best - best / WORTH_WAITING) {
                best = end - before;
                betterAt = end;
            }
            boolean settled = runs >= LEAST_RUNS && device.settled() && end - betterAt > SETTLED_NANOS;
            if (settled || end - start >= most.toNanos()) {
                return runs;
            }
        }
    }
}
