package dev.fovea.cpu;

import dev.fovea.cpu.AttentionWork.Shape;
import dev.fovea.cpu.AttentionWork.Task;
import dev.fovea.cpu.AttentionWork.Unit;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Cuts the rows of groups into tasks; see {@link AttentionWork}. */
final class WorkCutter {
    private static final int FEW_BLOCKS = 16;

    /** Keys from which on splits keep more threads busy than blocks do. */
    private static final int LONG_KEYS = 4 * AttentionWork.LEAST_SPLIT;

    private final Shape shape;
    private final KernelSet kernels;
    private final @Nullable KeySelection selection;
    private final int valueDim;
    private final int blockTiles;
    private final int split;
    private final int mostFew;
    final List<Task> tasks = new ArrayList<>();
    final List<Unit> units = new ArrayList<>();
    private long workspace;

    WorkCutter(Shape shape, KernelSet kernels, @Nullable KeySelection selection, int split) {
        this.shape = shape;
        this.kernels = kernels;
        this.selection = selection;
        this.valueDim = shape.spec().valueDim();
        this.blockTiles = QueryBlock.tiles(shape, kernels.wide().lanes());
        this.split = split;
        this.mostFew = mostFew();
    }

    int workspace() {
        return Math.toIntExact(workspace);
    }

    /**
     * Rows up to which keys may be split. Lanes along the columns cost up to twice the time of lanes along the rows, which is less than
     * to leave most threads idle: so more rows where there would be few tasks.
     */
    private int mostFew() {
        if (!shape.fewAllowed()) {
            return 0;
        }
        long blocks = 0;
        for (int b = 0; b < shape.queryLengths().length; b++) {
            blocks += Math.ceilDiv(shape.rows(b), (long) RowBlock.MOST_ROWS) * shape.groups();
        }
        return blocks < FEW_BLOCKS ? RowBlock.MOST_ROWS_OF_FEW_BLOCKS : RowBlock.MOST_ROWS;
    }

    /** Whether the results of splits take at most so many floats; else the cut is of no use. */
    boolean cutAll(int mostWorkspace) {
        for (int b = 0; b < shape.queryLengths().length; b++) {
            for (int g = 0; g < shape.groups(); g++) {
                cut(b, g);
            }
        }
        return workspace <= mostWorkspace || split >= 1 << 24;
    }

    private void cut(int batch, int group) {
        long rows = shape.rows(batch);
        if (selection == null) {
            cut(batch, group, 0, 0, rows, shape.keyLengths()[batch]);
            return;
        }
        long step = (long) selection.queryBlock * shape.groupHeads();
        for (long first = 0; first < rows; first += step) {
            int block = (int) (first / step);
            long keys = selection.size(batch, group * shape.groupHeads(), block);
            int least = (int) Math.min(keys, shape.keyLengths()[batch]);
            cut(batch, group, block, first, Math.min(step, rows - first), least);
        }
    }

    private void cut(int batch, int group, int block, long first, long rows, int keys) {
        boolean longKeys = keys >= LONG_KEYS;
        boolean few = rows <= (longKeys ? mostFew : Math.min(mostFew, RowBlock.MOST_ROWS));
        if (few && !(keys <= AttentionWork.LEAST_SPLIT && fillsTile(rows))) {
            few(batch, group, block, first, (int) rows, keys);
            return;
        }
        Kernels wide = kernels.forRows(rows);
        int step = (wide == kernels.wide() ? blockTiles : 1) * wide.lanes();
        long blocks = Math.ceilDiv(rows, step);
        for (long i = blocks - 1; i >= 0; i--) { // the longest under a causal mask first
            long from = first + i * step;
            int n = (int) Math.min(step, first + rows - from);
            tasks.add(new Task(batch, group, block, from, n, false, -1, keys, 0));
        }
    }

    /**
     * Whether a tile of rows takes less time than as many rows one by one, although some of its lanes are idle: measured from 16 to 512
     * keys, where the two are even at 10 of 16 and at 20 of 48 lanes.
     */
    private boolean fillsTile(long rows) {
        return rows <= kernels.narrow().lanes()
                ? 8 * rows >= 5L * kernels.narrow().lanes()
                : 5 * rows >= 2L * kernels.middle().lanes();
    }

    private void few(int batch, int group, int block, long first, int rows, int keys) {
        int splits = Math.ceilDiv(keys, split);
        if (rows == 0) {
            return;
        }
        if (splits < 2) {
            tasks.add(new Task(batch, group, block, first, rows, true, -1, keys, 0));
            return;
        }
        int size = rows * RowResult.size(valueDim);
        int at = (int) workspace; // beyond its range the cut is thrown away
        for (int i = 0; i < splits; i++) {
            int n = Math.min(split, keys - i * split);
            tasks.add(new Task(batch, group, block, first, rows, true, i, n, at + i * size));
        }
        units.add(new Unit(batch, group, first, rows, splits, at));
        workspace += (long) splits * size;
    }
}
