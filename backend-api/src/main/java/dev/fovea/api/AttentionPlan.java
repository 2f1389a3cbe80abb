package dev.fovea.api;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.expr.ExprLeaves;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.Schedule;
import dev.fovea.api.spi.DevicePlan;
import java.util.Arrays;

/** Attention made ready on a device. Safe for use by several threads. */
public final class AttentionPlan extends Plan<AttentionArguments> {
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
}
