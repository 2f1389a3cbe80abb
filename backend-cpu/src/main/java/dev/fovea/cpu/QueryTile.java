package dev.fovea.cpu;

import dev.fovea.api.spec.ScoreStage;
import dev.fovea.cpu.Scratch.Role;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** As many query rows as a tile has lanes, with the running softmax and the accumulator of each: {@code [channel][lane]}. */
final class QueryTile {
    private final AttentionCall call;
    private final Kernels kernels;
    private final Scratch scratch;
    private final int batch;
    private final int outer;
    private final int firstQuery;
    private final int group;
    private final int lanes;
    private final Place place;
    private final @Nullable ProgramRun cap;
    private final @Nullable ProgramRun score;
    private final @Nullable ProgramRun mask;
    private final float[] queries;
    private final float[] accumulator;
    private final float[] max;
    private final float[] sum;
    private final float[] rescale;
    private final float[] s;
    private final int accumulatorSize;

    /** First and last visible key of each lane, as far as the band and the length say; both rise with the lane. */
    private final int[] low;

    private final int[] high;

    /** Keys of the block's list. */
    private final int keyCount;

    private int rows;
    private int keyBegin;
    private int keyEnd;

    QueryTile(
            AttentionCall call,
            AttentionPrograms programs,
            Kernels kernels,
            Scratch scratch,
            int batch,
            int group,
            int number,
            KeyTile keyTile) {
        this.call = call;
        this.kernels = kernels;
        this.scratch = scratch;
        this.batch = batch;
        this.outer = call.outer(batch);
        this.firstQuery = call.firstQuery(batch);
        this.group = group;
        this.lanes = kernels.lanes();
        this.place = new Place(lanes);
        this.keyCount = keyTile.list().count();
        int tileKeys = keyTile.capacity();
        this.cap = start(programs.cap(), tileKeys);
        this.score = start(programs.score(), tileKeys);
        this.mask = call.band.exact() ? null : start(programs.mask(), tileKeys);
        this.accumulatorSize = KeyTile.padded(call.spec.valueDim(), kernels.channelStep()) * lanes;
        this.queries = scratch.floats(Role.QUERIES, number, call.spec.headDim() * lanes);
        this.accumulator = scratch.floats(Role.ACCUMULATOR, number, accumulatorSize);
        this.max = scratch.floats(Role.MAXIMUM, number, lanes);
        this.sum = scratch.floats(Role.SUM, number, lanes);
        this.rescale = scratch.floats(Role.RESCALE, lanes);
        this.s = scratch.floats(Role.TILE, tileKeys * lanes);
        this.low = new int[lanes];
        this.high = new int[lanes];
    }

    private @Nullable ProgramRun start(@Nullable TileProgram program, int tileKeys) {
        return program == null
                ? null
                : new ProgramRun(program, place, call.scalars, call.captures, kernels.ops(), lanes, tileKeys, scratch);
    }

    /** Takes up to {@code lanes} rows of the group from {@code first} on. */
    void load(long first, long end) {
        rows = (int) Math.min(lanes, end - first);
        place.batch = batch;
        place.keyHead = call.keyHead(group);
        place.keyLength = call.keyLength(batch, place.keyHead);
        place.queryOffset = call.queryOffset(batch, place.keyHead);
        place.queryLength = call.queries(batch);
        int dim = call.spec.headDim();
        for (int r = 0; r < lanes; r++) {
            long at = first + Math.min(r, rows - 1);
            place.queries[r] = (int) (at / call.groupHeads);
            place.heads[r] = group * call.groupHeads + (int) (at % call.groupHeads);
            long position = (long) place.queries[r] + place.queryOffset;
            low[r] = Math.clamp(position - call.band.left(), 0, call.keys);
            high[r] = Math.clamp(position + call.band.right(), -1, keyCount - 1);
        }
        float[] dense = scratch.floats(Role.ROW, lanes * dim);
        if (call.groupHeads == 1) {
            call.query.read(outer, place.heads[0], firstQuery + place.queries[0], rows, dense, 0, dim, scratch);
        } else {
            for (int r = 0; r < rows; r++) {
                call.query.read(outer, place.heads[r], firstQuery + place.queries[r], 1, dense, r * dim, dim, scratch);
            }
        }
        Arrays.fill(dense, rows * dim, lanes * dim, 0);
        Transpose.toLanes(dense, dim, queries, lanes);
        keyBegin = call.scores == null ? low[0] : 0;
        keyEnd = call.scores == null ? high[lanes - 1] + 1 : call.keys;
        Arrays.fill(accumulator, 0, accumulatorSize, 0);
        Arrays.fill(max, 0, lanes, Float.NEGATIVE_INFINITY);
        Arrays.fill(sum, 0, lanes, 0);
        if (keyBegin < keyEnd) { // without keys a captured tensor may be empty
            rows(cap);
            rows(score);
            rows(mask);
        }
    }

    private static void rows(@Nullable ProgramRun run) {
        if (run != null) {
            run.rows();
        }
    }

    /** First key that a row may see. */
    int keyBegin() {
        return keyBegin;
    }

    /** End of the keys that a row may see; not above {@link #keyBegin} if there is none. */
    int keyEnd() {
        return keyEnd;
    }

    /** Takes in a tile of keys. */
    void step(KeyTile tile) {
        int n = score(tile, true);
        kernels.softmax(s, n, max, sum, rescale);
        kernels.accumulate(tile.values, n, tile.channels(), s, rescale, accumulator);
    }

    /** Puts the final scores of the tile into s, -inf where masked; the number of keys, padded. */
    private int score(KeyTile tile, boolean write) {
        int visible = Math.min(tile.count(), keyEnd - tile.first());
        int n = KeyTile.padded(visible, kernels.keyStep());
        place.key = tile.first();
        place.keys = tile.indices();
        place.positions = tile.positions();
        kernels.scores(tile.keys, n, call.spec.headDim(), queries, call.scale, s);
        writeScores(write, ScoreStage.RAW, visible);
        apply(cap, n);
        writeScores(write, ScoreStage.CAPPED, visible);
        apply(score, n);
        apply(mask, n);
        if (tile.first() < low[lanes - 1] || tile.first() + n - 1 > high[0]) {
            kernels.band(s, n, tile.first(), low, high);
        }
        writeScores(write, ScoreStage.MASKED, visible);
        writeScores(write, ScoreStage.PROBABILITY, visible);
        return n;
    }

    private void apply(@Nullable ProgramRun run, int n) {
        if (run != null) {
            run.apply(s, n);
        }
    }

    /** The probability stage keeps the final scores here until the sums are known. */
    private void writeScores(boolean write, ScoreStage stage, int n) {
        if (!write || call.scores == null || call.stage != stage) {
            return;
        }
        float[] row = scratch.floats(Role.ROW, n);
        for (int r = 0; r < rows; r++) {
            for (int j = 0; j < n; j++) {
                row[j] = s[j * lanes + r];
            }
            call.scores.writePart(batch, place.heads[r], place.queries[r], place.key, row, n);
        }
    }

    /** Whether something visible is NaN, or something masked met a factor 0: the fast kernels cannot tell which. */
    boolean hasNan() {
        return kernels.hasNan(sum, lanes) || kernels.hasNan(accumulator, accumulatorSize);
    }

    /** Does the whole tile again, never touching a masked key or value, in two passes. */
    void recomputeCarefully(KeyTile tile) {
        Arrays.fill(accumulator, 0, accumulatorSize, 0);
        Arrays.fill(max, 0, lanes, Float.NEGATIVE_INFINITY);
        Arrays.fill(sum, 0, lanes, 0);
        for (int k = keyBegin; k < keyEnd; k += tile.capacity()) {
            tile.load(k, Math.min(tile.capacity(), keyEnd - k));
            int n = score(tile, false);
            for (int i = 0; i < n * lanes; i++) {
                int r = i % lanes;
                max[r] = s[i] > max[r] ? s[i] : max[r];
            }
        }
        for (int k = keyBegin; k < keyEnd; k += tile.capacity()) {
            tile.load(k, Math.min(tile.capacity(), keyEnd - k));
            int n = score(tile, false);
            for (int i = 0; i < n * lanes; i++) {
                if (s[i] != Float.NEGATIVE_INFINITY) {
                    addCarefully(tile, i / lanes, i % lanes, s[i]);
                }
            }
        }
    }

    private void addCarefully(KeyTile tile, int key, int lane, float x) {
        float p = Exponential.exp2((x - max[lane]) * Exponential.LOG2E);
        sum[lane] += p;
        for (int d = 0; d < call.spec.valueDim(); d++) {
            accumulator[d * lanes + lane] += p * tile.values[key * tile.channels() + d];
        }
    }

    /** Writes the outputs of the rows. */
    void store() {
        int dim = call.spec.valueDim();
        for (int r = 0; r < lanes; r++) {
            RowSum total = RowSum.of(max[r], sum[r]);
            if (call.sinks != null) {
                total = total.withSink(call.sinks[place.heads[r]]);
            }
            rescale[r] = total.factor();
            if (call.logSumExp != null && r < rows) {
                call.logSumExp.put(outer, place.heads[r], firstQuery + place.queries[r], total.logSumExp());
            }
            if (call.scores != null && call.stage == ScoreStage.PROBABILITY && r < rows) {
                writeProbabilities(call.scores, r, rescale[r]);
            }
        }
        float[] dense = scratch.floats(Role.ROW, lanes * dim);
        Transpose.fromLanes(accumulator, lanes, rescale, dense, dim);
        if (call.groupHeads == 1) {
            call.output.write(outer, place.heads[0], firstQuery + place.queries[0], rows, dense, 0, scratch);
            return;
        }
        for (int r = 0; r < rows; r++) {
            call.output.write(outer, place.heads[r], firstQuery + place.queries[r], 1, dense, r * dim, scratch);
        }
    }

    private void writeProbabilities(Rows scores, int r, float factor) {
        int chunk = Math.min(call.keys, 1024);
        float[] row = scratch.floats(Role.PROBABILITY, chunk);
        for (int k = 0; k < call.keys; k += chunk) {
            int n = Math.min(chunk, call.keys - k);
            for (int j = 0; j < n; j++) {
                float x = scores.get(batch, place.heads[r], place.queries[r], k + j);
                row[j] = x == Float.NEGATIVE_INFINITY ? 0 : Exponential.exp2((x - max[r]) * Exponential.LOG2E) * factor;
            }
            scores.writePart(batch, place.heads[r], place.queries[r], k, row, n);
        }
    }
}
