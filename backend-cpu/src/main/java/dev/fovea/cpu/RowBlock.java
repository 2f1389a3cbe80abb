package dev.fovea.cpu;

import dev.fovea.cpu.Scratch.Role;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Softmax attention of a few query rows of one (batch entry, head group) over a range of their keys: with so few rows what counts is
 * that each key and value passes once, in the order of memory.
 */
final class RowBlock {
    /** Rows up to which this way is taken. */
    static final int MOST_ROWS = 32;

    /** Likewise where blocks of rows would not keep the threads busy. */
    static final int MOST_ROWS_OF_FEW_BLOCKS = 128;

    private static final int TILE_BYTES = 16 << 10;

    /** Likewise where keys and values are read where they lie, which takes no copy of them into the caches. */
    private static final int TILE_BYTES_IN_PLACE = 32 << 10;

    private final AttentionCall call;
    private final RowKernels kernels;
    private final Scratch scratch;
    private final int batch;
    private final int group;
    private final KeyTile tile;
    private final int rows;
    private final int dim;
    private final int channels;
    private final int pitch;
    private final Row[] row;
    private final float[] queries;
    private float[] s;
    private float[] spare;
    private final float[] accumulator;
    private final float[] sums;
    private final float[] max;
    private final float[] rescale;
    private final float[] work;
    private final boolean inPlace;
    private final boolean streams;
    private final @Nullable CodeTile keyCodes;
    private final @Nullable CodeTile valueCodes;
    private RowGroups keyRows;
    private final RowGroups valueRows;
    private RowGroups nextRows;
    private int nextFirst = -1;
    private boolean readInPlace;

    /** Whether s has the products of the next keys already. */
    private boolean multiplied;

    private int begin;
    private int end;

    /** A query row: where it is, what it may see, and the programs of its expressions. */
    private static final class Row {
        final Place place = new Place(1);
        final @Nullable ProgramRun cap;
        final @Nullable ProgramRun score;
        final @Nullable ProgramRun mask;
        int low;
        int high;

        Row(AttentionCall call, AttentionPrograms programs, Kernels kernels, Scratch scratch, int tileKeys) {
            cap = start(programs.cap(), call, kernels, scratch, tileKeys);
            score = start(programs.score(), call, kernels, scratch, tileKeys);
            mask = call.band.exact() ? null : start(programs.mask(), call, kernels, scratch, tileKeys);
        }

        private @Nullable ProgramRun start(
                @Nullable TileProgram program, AttentionCall call, Kernels kernels, Scratch scratch, int tileKeys) {
            return program == null
                    ? null
                    : new ProgramRun(program, place, call.scalars, call.captures, kernels.ops(), 1, tileKeys, scratch);
        }

        boolean plain() {
            return cap == null && score == null && mask == null;
        }
    }

    RowBlock(
            AttentionCall call,
            AttentionPrograms programs,
            KernelSet set,
            Scratch scratch,
            int batch,
            int group,
            KeyList keys,
            int rows) {
        this.call = call;
        this.kernels = set.rows();
        this.scratch = scratch;
        this.batch = batch;
        this.group = group;
        this.rows = rows;
        int step = kernels.step();
        this.dim = KeyTile.padded(call.spec.headDim(), step);
        this.channels = KeyTile.padded(call.spec.valueDim(), step);
        this.inPlace = call.turn == null && call.store.inPlace(step);
        boolean codes = call.turn == null && call.store.codes(step);
        int bytes = (codes ? 1 : Float.BYTES) * Math.max(dim, channels);
        int tileBytes = inPlace ? TILE_BYTES_IN_PLACE : TILE_BYTES;
        int capacity = Math.max(16, Math.min(128, tileBytes / bytes / 16 * 16));
        this.tile = new KeyTile(
                call,
                scratch,
                batch,
                group,
                keys,
                new KeyTile.Form(capacity, dim, dim, channels, channels, Math.max(step, kernels.keyStep())),
                0);
        this.pitch = capacity + Math.max(step, kernels.keyStep());
        this.row = new Row[rows];
        for (int r = 0; r < rows; r++) {
            row[r] = new Row(call, programs, set.narrow(), scratch, pitch);
        }
        this.queries = scratch.floats(Role.QUERIES, rows * dim);
        this.s = scratch.floats(Role.TILE, rows * pitch);
        this.streams = rows == 1 && inPlace && kernels.streams(dim, channels);
        this.spare = streams ? scratch.floats(Role.TILE, 1, pitch) : s;
        this.accumulator = scratch.floats(Role.ACCUMULATOR, rows * channels);
        this.sums = scratch.floats(Role.SUM, rows * step);
        this.max = scratch.floats(Role.MAXIMUM, rows);
        this.rescale = scratch.floats(Role.RESCALE, rows);
        this.work = scratch.floats(Role.LANES, kernels.workSize());
        this.keyCodes = codes ? CodeTile.of(scratch, Role.KEYS, 1, pitch, dim) : null;
        this.valueCodes = codes ? CodeTile.of(scratch, Role.VALUES, 2, pitch, channels) : null;
        this.keyRows = new RowGroups(kernels.keyStep(), capacity);
        this.nextRows = new RowGroups(kernels.keyStep(), capacity);
        this.valueRows = new RowGroups(kernels.keyStep(), capacity);
    }

    /** Takes the rows from {@code first} on through the keys of [from, to) of their list. */
    RowResult run(long first, int from, int to) {
        load(first);
        begin = to;
        end = from;
        for (Row r : row) {
            if (r.low <= r.high) {
                begin = Math.min(begin, r.low);
                end = Math.max(end, r.high + 1);
            }
        }
        begin = Math.max(begin, from);
        end = Math.min(end, to);
        clear();
        if (begin < end) { // without keys a captured tensor may be empty
            startPrograms();
        }
        for (int k = begin; k < end; k += tile.capacity()) {
            step(k, Math.min(tile.capacity(), end - k));
        }
        RowResult result = new RowResult(rows, call.spec.valueDim(), channels, max, new float[rows], accumulator);
        for (int r = 0; r < rows; r++) {
            result.sums()[r] = total(r);
        }
        if (hasNan(result)) {
            recomputeCarefully(result);
        }
        return result;
    }

    private void load(long first) {
        int keyHead = call.keyHead(group);
        if (dim != call.spec.headDim()) {
            Arrays.fill(queries, 0, rows * dim, 0);
        }
        for (int r = 0; r < rows; r++) {
            Place place = row[r].place;
            place.batch = batch;
            place.keyHead = keyHead;
            place.keyLength = call.keyLength(batch, keyHead);
            place.queryOffset = call.queryOffset(batch, keyHead);
            place.queryLength = call.queries(batch);
            place.queries[0] = (int) ((first + r) / call.groupHeads);
            place.heads[0] = group * call.groupHeads + (int) ((first + r) % call.groupHeads);
            long position = (long) place.queries[0] + place.queryOffset;
            row[r].low = Math.clamp(position - call.band.left(), 0, call.keys);
            row[r].high =
                    Math.clamp(position + call.band.right(), -1, tile.list().count() - 1);
            call.query.read(
                    call.outer(batch),
                    place.heads[0],
                    call.firstQuery(batch) + place.queries[0],
                    1,
                    queries,
                    r * dim,
                    dim,
                    scratch);
            if (call.turn != null) {
                call.turn.turn(queries, r * dim, (int) position, scratch);
            }
        }
    }

    private void clear() {
        Arrays.fill(accumulator, 0, rows * channels, 0);
        Arrays.fill(max, 0, rows, Float.NEGATIVE_INFINITY);
        Arrays.fill(sums, 0, rows * kernels.step(), 0);
    }

    private void startPrograms() {
        for (Row r : row) {
            for (ProgramRun run : new @Nullable ProgramRun[] {r.cap, r.score, r.mask}) {
                if (run != null) {
                    run.rows();
                }
            }
        }
    }

    private void step(int first, int count) {
        int n = score(first, count);
        for (int r = 0; r < rows; r++) {
            float old = max[r];
            float m = kernels.raise(s, r * pitch, n, old, work);
            max[r] = m;
            rescale[r] = old == m ? 1 : Exponential.exp2((old - m) * Exponential.LOG2E);
            kernels.exponentiate(s, r * pitch, n, m, sums, r * kernels.step(), rescale[r]);
        }
        if (streams && readInPlace && locateNext()) {
            kernels.stream(valueRows, s, rescale[0], accumulator, nextRows, dim, queries, call.scale, spare, work);
            float[] now = spare;
            spare = s;
            s = now;
            multiplied = true;
        } else if (readInPlace) {
            kernels.accumulate(valueRows, channels, s, pitch, rows, rescale, accumulator);
        } else if (valueCodes != null) {
            tile.loadValues(valueCodes);
            for (int r = 0; r < rows; r++) {
                kernels.multiply(s, r * pitch, n, valueCodes.scale());
            }
            kernels.accumulate(
                    valueCodes.codes(), valueCodes.zero(), count, channels, s, pitch, rows, rescale, accumulator);
        } else {
            tile.loadValues();
            kernels.accumulate(tile.values, count, channels, s, pitch, rows, rescale, accumulator);
        }
    }

    /** Finds where the keys and values of the tile lie; whether they can be read there. */
    private boolean locate() {
        if (nextFirst == tile.first() && nextRows.count() == tile.count()) {
            RowGroups now = nextRows;
            nextRows = keyRows;
            keyRows = now;
        } else if (!tile.locateKeys(tile.first(), tile.count(), keyRows)) {
            return false;
        }
        return tile.locateValues(valueRows);
    }

    /** Finds where the keys of the next tile lie; whether they are as many as those of this one. */
    private boolean locateNext() {
        int first = tile.first() + tile.count();
        int count = Math.min(tile.count(), end - first);
        boolean found = count > 0 && tile.locateKeys(first, count, nextRows);
        nextFirst = found ? first : -1;
        return found && count == tile.count();
    }

    /** Puts the scaled products of queries and keys into s. */
    private void multiply() {
        if (keyCodes != null) {
            tile.loadKeys(keyCodes);
            int n = KeyTile.padded(tile.count(), Math.max(kernels.step(), kernels.keyStep()));
            kernels.scores(keyCodes.codes(), keyCodes.zero(), n, dim, queries, rows, call.scale, s, pitch, work);
            for (int r = 0; r < rows; r++) {
                kernels.multiply(s, r * pitch, n, keyCodes.scale());
            }
            return;
        }
        readInPlace = inPlace && locate();
        if (multiplied) {
            multiplied = false;
            return;
        }
        if (readInPlace) {
            RowGroups soon = dim == channels ? valueRows : keyRows;
            RowGroups later = locateNext() ? nextRows : keyRows;
            kernels.scores(keyRows, dim, queries, rows, call.scale, s, pitch, work, soon, later);
            return;
        }
        tile.loadKeys();
        int n = KeyTile.padded(tile.count(), kernels.keyStep());
        kernels.scores(tile.keys, n, dim, queries, rows, call.scale, s, pitch, work);
    }

    /** Puts the keys' final scores into s, -inf where masked; the number of keys, padded. */
    private int score(int first, int count) {
        tile.take(first, count);
        multiply();
        int n = KeyTile.padded(count, kernels.step());
        for (int r = 0; r < rows; r++) {
            Row at = row[r];
            if (!at.plain()) {
                at.place.key = first;
                at.place.keys = tile.indices();
                at.place.positions = tile.positions();
                float[] own = scratch.floats(Role.ROW, n);
                System.arraycopy(s, r * pitch, own, 0, n);
                apply(at.cap, own, n);
                apply(at.score, own, n);
                apply(at.mask, own, n);
                System.arraycopy(own, 0, s, r * pitch, n);
            }
            int low = Math.clamp((long) at.low - first, 0, n);
            int end = Math.clamp((long) at.high + 1 - first, 0, count);
            Arrays.fill(s, r * pitch, r * pitch + low, Float.NEGATIVE_INFINITY);
            Arrays.fill(s, r * pitch + end, r * pitch + n, Float.NEGATIVE_INFINITY);
        }
        return n;
    }

    private static void apply(@Nullable ProgramRun run, float[] s, int n) {
        if (run != null) {
            run.apply(s, n);
        }
    }

    /** The sum over the lanes of a row's sums, in halves. */
    private float total(int r) {
        int step = kernels.step();
        for (int half = step / 2; half > 0; half /= 2) {
            for (int i = r * step; i < r * step + half; i++) {
                sums[i] += sums[i + half];
            }
        }
        return sums[r * step];
    }

    /** Whether something visible is NaN, or something masked met a factor 0: the fast kernels cannot tell which. */
    private boolean hasNan(RowResult result) {
        float poison = 0;
        for (int r = 0; r < rows; r++) {
            poison += result.sums()[r] * 0;
        }
        for (int i = 0; i < rows * channels; i++) {
            poison += accumulator[i] * 0;
        }
        return Float.isNaN(poison);
    }

    /** Does the whole block again, never touching a masked key or value, in two passes. */
    private void recomputeCarefully(RowResult result) {
        clear();
        Arrays.fill(result.sums(), 0);
        for (int k = begin; k < end; k += tile.capacity()) {
            int n = score(k, Math.min(tile.capacity(), end - k));
            for (int r = 0; r < rows; r++) {
                for (int j = 0; j < n; j++) {
                    float x = s[r * pitch + j];
                    max[r] = x > max[r] ? x : max[r];
                }
            }
        }
        for (int k = begin; k < end; k += tile.capacity()) {
            int n = score(k, Math.min(tile.capacity(), end - k));
            tile.loadValues();
            for (int r = 0; r < rows; r++) {
                for (int j = 0; j < n; j++) {
                    float x = s[r * pitch + j];
                    if (x != Float.NEGATIVE_INFINITY) {
                        float p = Exponential.exp2((x - max[r]) * Exponential.LOG2E);
                        result.sums()[r] += p;
                        for (int d = 0; d < channels; d++) {
                            accumulator[r * channels + d] += p * tile.values[j * channels + d];
                        }
                    }
                }
            }
        }
    }
}
