package dev.fovea.cpu;

import dev.fovea.api.DType;
import dev.fovea.api.spec.Normaliser;
import dev.fovea.cpu.Scratch.Role;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Attention of few rows over few keys of f32, without expressions: what {@link QueryBlock} computes, bit by bit, at less expense beside
 * the products. One object serves all blocks of a call that its thread works on.
 */
final class SmallBlock {
    /** What the kernels take; other classes may ask without loading those. */
    static final int VECTOR_BITS = 512;

    /** Rows up to which lanes along a vector of rows are faster than tiles of several. */
    private static final int MOST_ROWS = 48;

    private static final int LENGTH = Species.LENGTH;
    private static final int PITCH = VectorSmallKernels.PITCH;
    private static final int KEY_STEP = VectorSmallKernels.KEY_STEP;
    private static final double LOG2E = 1.4426950408889634;

    private final AttentionCall call;
    private final Kernels kernels;
    private final Scratch scratch;
    private final int dim;
    private final int channels;
    private final float scale;
    private final float[] keys;
    private final float[] queries;
    private final float[] s;
    private final float[] top;
    private final float[] sum;
    private final float[] factor;
    private final float[] found;
    private final float[] dense;
    private final int[] low = new int[LENGTH];
    private final int[] high = new int[LENGTH];
    private final int[] heads = new int[LENGTH];
    private final int[] rowQueries = new int[LENGTH];
    private final KeyStore.Run keyRun;
    private final KeyStore.Run valueRun;
    private final long[] rowsAt = new long[LENGTH];
    private @Nullable MemorySegment values;
    private long firstValue;
    private long valueStride;
    private int located;

    private SmallBlock(AttentionCall call, KernelSet set, Scratch scratch) {
        this.call = call;
        this.kernels = set.narrow();
        this.scratch = scratch;
        this.dim = call.spec.headDim();
        this.channels = call.spec.valueDim();
        this.scale = (float) (call.scale * LOG2E);
        int most = KeyTile.padded(call.keys, KEY_STEP);
        this.keys = scratch.floats(Role.KEYS, most * PITCH);
        this.queries = scratch.floats(Role.QUERIES, LENGTH * dim);
        this.s = scratch.floats(Role.TILE, LENGTH * most);
        this.top = scratch.floats(Role.TOP, LENGTH);
        this.sum = scratch.floats(Role.SUM, LENGTH);
        this.factor = scratch.floats(Role.FACTOR, LENGTH);
        this.found = scratch.floats(Role.LANES, LENGTH);
        this.dense = scratch.floats(Role.ROW, LENGTH * Math.max(dim, channels));
        this.keyRun = (from, outer, head, position, n, done) -> copy(from.rows(), outer, head, position, n, done);
        this.valueRun = (from, outer, head, position, n, done) -> locate(from.rows(), outer, head, position, n);
    }

    /** Whether blocks of few rows of a call may be done this way. */
    static boolean fits(AttentionCall call, AttentionPrograms programs) {
        return VectorSmallKernels.fits(call.spec.headDim(), call.spec.valueDim())
                && call.keys <= VectorSmallKernels.MOST_KEYS
                && call.spec.storage() == DType.F32
                && call.store.inPlace(LENGTH)
                && call.turn == null
                && call.selection == null
                && call.keyPositions == null
                && call.scores == null
                && programs.none(call.band)
                && call.spec.normaliser() == Normaliser.SOFTMAX
                && !call.spec.partials();
    }

    static boolean fits(int rows) {
        return rows <= MOST_ROWS;
    }

    /** The one of a call and thread. */
    static SmallBlock of(AttentionCall call, KernelSet set, Scratch scratch) {
        SmallBlock last = scratch.small();
        if (last != null && last.call == call) {
            return last;
        }
        SmallBlock block = new SmallBlock(call, set, scratch);
        scratch.keepSmall(block);
        return block;
    }

    private void copy(Rows from, long outer, long head, long position, int n, int row) {
        VectorSmallKernels.copy(from.memory(), from.at(outer, head, position), from.rowBytes(), n, dim, keys, row);
    }

    private void locate(Rows from, long outer, long head, long position, int n) {
        values = from.memory();
        firstValue = from.at(outer, head, position);
        valueStride = from.rowBytes();
        located = n;
    }

    /** Does some rows; false if that takes more care: there is no key, or a NaN among the outputs. */
    boolean run(int batch, int group, long first, int rows) {
        int keyHead = call.keyHead(group);
        int length = call.keyLength(batch, keyHead);
        long position = first / call.groupHeads + call.queryOffset(batch, keyHead);
        long last = (first + rows - 1) / call.groupHeads + call.queryOffset(batch, keyHead);
        int begin = Math.clamp(position - call.band.left(), 0, call.keys);
        int end = Math.clamp(last + call.band.right(), -1, length - 1) + 1;
        if (begin >= end) {
            return false;
        }
        begin = begin / KEY_STEP * KEY_STEP;
        int count = end - begin;
        int n = KeyTile.padded(count, KEY_STEP);
        call.store.eachKeys(batch, keyHead, begin, count, keyRun);
        call.store.eachValues(batch, keyHead, call.valueHead(group), begin, count, valueRun);
        if (located != count) { // in pages
            return false;
        }
        Arrays.fill(keys, count * PITCH, n * PITCH, 0);
        Arrays.fill(found, 0, LENGTH, 0);
        int kept = Math.clamp(last - call.band.left(), 0, call.keys);
        int common = Math.clamp(position + call.band.right(), -1, length - 1);
        boolean cut = begin < kept || begin + n - 1 > common;
        for (int r = 0; r < rows; r += LENGTH) {
            tile(batch, group, first + r, Math.min(LENGTH, rows - r), cut ? begin : -1, length, count, n);
        }
        float nan = 0;
        for (int r = 0; r < LENGTH; r++) {
            nan += found[r];
        }
        return !Float.isNaN(nan);
    }

    /** @param cutFrom first key if some row does not see all of them, else -1 */
    private void tile(int batch, int group, long first, int rows, int cutFrom, int length, int count, int n) {
        place(group, first);
        int outer = call.outer(batch);
        int start = call.firstQuery(batch);
        for (int r = 0; r < LENGTH; r++) {
            int row = Math.min(r, rows - 1);
            rowsAt[r] = call.query.at(outer, heads[row], start + rowQueries[row]);
        }
        VectorSmallKernels.toLanes(call.query.memory(), rowsAt, dim, scale, dense, queries);
        VectorSmallKernels.scores(keys, n, dim, queries, s, top);
        if (cutFrom >= 0) {
            cut(call.queryOffset(batch, call.keyHead(group)), rows, cutFrom, length, n);
        }
        VectorSmallKernels.softmax(s, n, top, sum, factor);
        if (call.sinks != null || call.logSumExp != null) {
            conclude(outer, start, rows);
        }
        VectorSmallKernels.values(
                Objects.requireNonNull(values), firstValue, valueStride, count, channels, s, factor, dense, found);
        if (call.groupHeads == 1) {
            call.output.write(outer, heads[0], start + rowQueries[0], rows, dense, 0, scratch);
        } else {
            for (int r = 0; r < rows; r++) {
                call.output.write(outer, heads[r], start + rowQueries[r], 1, dense, r * channels, scratch);
            }
        }
    }

    /** Finds head and query of each row. */
    private void place(int group, long first) {
        int query = (int) (first / call.groupHeads);
        int head = (int) (first % call.groupHeads);
        for (int r = 0; r < LENGTH; r++) {
            rowQueries[r] = query;
            heads[r] = group * call.groupHeads + head;
            if (++head == call.groupHeads) {
                head = 0;
                query++;
            }
        }
    }

    /** Masks the keys that a row does not see. */
    private void cut(int offset, int rows, int firstKey, int length, int n) {
        for (int r = 0; r < LENGTH; r++) {
            long position = (long) rowQueries[Math.min(r, rows - 1)] + offset;
            low[r] = Math.clamp(position - call.band.left(), 0, call.keys);
            high[r] = Math.clamp(position + call.band.right(), -1, length - 1);
        }
        kernels.band(s, n, firstKey, low, high);
        kernels.top(s, n, top);
    }

    /** Takes in sinks and writes log-sum-exps. */
    private void conclude(int outer, int start, int rows) {
        for (int r = 0; r < rows; r++) {
            RowSum total = RowSum.ofBase2(top[r], sum[r]);
            if (call.sinks != null && call.sinks[heads[r]] != Float.NEGATIVE_INFINITY) {
                total = total.withSink(call.sinks[heads[r]]);
                factor[r] = total.factor();
            }
            if (call.logSumExp != null) {
                call.logSumExp.put(outer, heads[r], start + rowQueries[r], total.logSumExp());
            }
        }
    }
}
