package dev.fovea.cpu;

import dev.fovea.cpu.AttentionWork.Shape;
import dev.fovea.cpu.AttentionWork.Task;
import dev.fovea.cpu.AttentionWork.Unit;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Cuts the rows of groups into tasks; see {@link AttentionWork}. */
final class WorkCutter {
    private final Shape shape;
    private final KernelSet kernels;
    private final @Nullable KeySelection selection;
    private final int valueDim;
    private final int blockTiles;
    final List<Task> tasks = new ArrayList<>();
    final List<Unit> units = new ArrayList<>();
    private long workspace;

    WorkCutter(Shape shape, KernelSet kernels, @Nullable KeySelection selection) {
        this.shape = shape;
        this.kernels = kernels;
        this.selection = selection;
        this.valueDim = shape.spec().valueDim();
        this.blockTiles = QueryBlock.tiles(shape, kernels.wide().lanes());
    }

    int workspace() {
        return Math.toIntExact(workspace);
    }

    void cut(int batch, int group) {
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
        if (shape.fewAllowed() && rows <= RowBlock.MOST_ROWS) {
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

    private void few(int batch, int group, int block, long first, int rows, int keys) {
        int splits = Math.ceilDiv(keys, AttentionWork.SPLIT);
        if (rows == 0) {
            return;
        }
        if (splits < 2) {
            tasks.add(new Task(batch, group, block, first, rows, true, -1, keys, 0));
            return;
        }
        int size = rows * RowResult.size(valueDim);
        int at = Math.toIntExact(workspace);
        for (int i = 0; i < splits; i++) {
            int n = Math.min(AttentionWork.SPLIT, keys - i * AttentionWork.SPLIT);
            tasks.add(new Task(batch, group, block, first, rows, true, i, n, at + i * size));
        }
        units.add(new Unit(batch, group, first, rows, splits, at));
        workspace += (long) splits * size;
    }
}
