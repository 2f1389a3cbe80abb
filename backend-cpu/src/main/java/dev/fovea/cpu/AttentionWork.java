package dev.fovea.cpu;

import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeySource.Layout;
import dev.fovea.api.spec.KeySource.Selection;
import dev.fovea.api.spec.Normaliser;
import dev.fovea.api.spi.DeviceSchedule;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The work of a run cut into tasks, those with the most keys first. How it is cut depends on the shapes alone; a run without a
 * schedule cuts it the same way.
 *
 * @param units rows whose keys are split, and which therefore need a merge at the end
 * @param split keys of a split
 * @param workspace floats that the results of splits take
 */
record AttentionWork(List<Task> tasks, List<Unit> units, int split, int workspace) implements DeviceSchedule {
    /** Keys of a split: enough of them to make up for the merge. */
    static final int LEAST_SPLIT = 1024;

    /** Splits of twice as many keys have fewer ends (4 % of the time); where so many are left, no thread is idle for long. */
    private static final long ENOUGH_SPLITS = 64;

    /** Floats of the workspace beyond which splits become larger. */
    private static final int MOST_WORKSPACE = 16 << 20;

    /**
     * Some rows of a group.
     *
     * @param block query block of a selection, 0 without one
     * @param few whether the rows are few
     * @param split which split of the keys; -1 for all keys
     * @param keys about how many there are
     * @param result where in the workspace the result of a split goes
     */
    record Task(int batch, int group, int block, long first, int rows, boolean few, int split, int keys, int result) {}

    /** Rows whose splits follow each other in the workspace. */
    record Unit(int batch, int group, long first, int rows, int splits, int result) {}

    /** What the cut depends on. */
    record Shape(AttentionSpec spec, int groupHeads, int[] queryLengths, int[] keyLengths) {
        static Shape of(AttentionCall call) {
            int[] queries = new int[call.batch];
            int[] keys = new int[call.batch];
            for (int b = 0; b < call.batch; b++) {
                queries[b] = call.queries(b);
                for (int h = 0; h < call.spec.keyHeads(); h++) {
                    keys[b] = Math.max(keys[b], call.keyLength(b, h));
                }
            }
            return new Shape(call.spec, call.groupHeads, queries, keys);
        }

        int groups() {
            return spec.queryHeads() / groupHeads;
        }

        /** Whether the way of few rows computes what the spec says. */
        boolean fewAllowed() {
            return spec.scores().isEmpty()
                    && spec.normaliser() == Normaliser.SOFTMAX
                    && spec.probability().equals(Expressions.probability())
                    && spec.output().equals(Expressions.output());
        }

        long rows(int b) {
            return (long) queryLengths[b] * groupHeads;
        }

        /** Whether the keys of a head lie one after the other; of pages, heads share the translation of addresses within a split. */
        boolean dense() {
            return spec.source().layout() == Layout.DENSE && spec.source().selection() == Selection.ALL;
        }

        /** Whole splits of so many keys. */
        long splits(int keys) {
            return groups() * Arrays.stream(keyLengths).mapToLong(n -> n / keys).sum();
        }
    }

    static AttentionWork cut(Shape shape, KernelSet kernels, @Nullable KeySelection selection) {
        int split = shape.dense() && shape.splits(2 * LEAST_SPLIT) >= ENOUGH_SPLITS ? 2 * LEAST_SPLIT : LEAST_SPLIT;
        WorkCutter cutter = new WorkCutter(shape, kernels, selection, split);
        while (!cutter.cutAll(MOST_WORKSPACE)) {
            split *= 2;
            cutter = new WorkCutter(shape, kernels, selection, split);
        }
        // among equals the heads of the same keys stay neighbours: in a paged cache they share pages of memory, whose
        // addresses are
        // translated once instead of once for each head
        cutter.tasks.sort(Comparator.<Task>comparingInt(t -> -t.keys)
                .thenComparingInt(Task::batch)
                .thenComparingInt(Task::split));
        return new AttentionWork(List.copyOf(cutter.tasks), List.copyOf(cutter.units), split, cutter.workspace());
    }

    @Override
    public void close() {}
}
