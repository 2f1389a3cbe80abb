package dev.fovea.cpu;

import dev.fovea.api.DType;
import dev.fovea.api.expr.MaskAnalysis;
import dev.fovea.api.expr.MaskAnalysis.Verdict;
import dev.fovea.api.spec.Normaliser;
import dev.fovea.api.spec.ScoreStage;
import dev.fovea.cpu.Scratch.Role;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** As many query rows as a tile has lanes, with the weights and the accumulator of each: {@code [channel][lane]}. */
final class QueryTile {
    private static final double LOG2E = 1.4426950408889634;

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
    private final @Nullable ProgramRun probability;
    private final @Nullable KeyVerdicts verdicts;
    private final float[] queries;
    private final float[] accumulator;
    private final RowWeights weights;
    private final @Nullable ProgramRun out;
    private final boolean twoPasses;

    /** What the queries are multiplied by: the scale, and a factor to the base 2 where nothing looks at scores. */
    private final float scale;

    /**
     * What is left of the scale for the scores themselves, otherwise 1. Products of 16-bit numbers fit a float, and so do nearly all of
     * their sums; multiplied by anything but a power of two first they do not, and scores of 60 came out 10 roundings off.
     */
    private final float rest;

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

    /** Keys at the start of a tile that no row sees. */
    private int skipped;

    /** Whether the scores of a tile have changed since the largest were found. */
    private boolean changed;

    QueryTile(
            AttentionCall call,
            AttentionPrograms programs,
            Kernels kernels,
            Scratch scratch,
            int batch,
            int group,
            int number,
            KeyTiles keyTiles,
            @Nullable MaskAnalysis analysis) {
        this.call = call;
        this.kernels = kernels;
        this.scratch = scratch;
        this.batch = batch;
        this.outer = call.outer(batch);
        this.firstQuery = call.firstQuery(batch);
        this.group = group;
        this.lanes = kernels.lanes();
        this.place = new Place(lanes);
        this.keyCount = keyTiles.list().count();
        int tileKeys = keyTiles.capacity();
        this.cap = start(programs.cap(), tileKeys);
        this.score = start(programs.score(), tileKeys);
        this.mask = call.band.exact() ? null : start(programs.mask(), tileKeys);
        this.verdicts = analysis == null ? null : new KeyVerdicts(call, analysis, place, tileKeys);
        this.accumulatorSize = KeyTile.padded(call.spec.valueDim(), kernels.channelStep()) * lanes;
        this.queries = scratch.floats(Role.QUERIES, number, call.spec.headDim() * lanes);
        this.accumulator = scratch.floats(Role.ACCUMULATOR, number, accumulatorSize);
        this.s = scratch.floats(Role.TILE, tileKeys * lanes);
        this.probability = start(programs.probability(), tileKeys);
        boolean exact = call.spec.storage() != DType.F32 && call.turn == null;
        boolean natural = natural(call, programs) || exact && call.logSumExp != null;
        float power = Math.scalb(1f, Math.getExponent(call.scale));
        boolean splits = natural && exact && power >= Float.MIN_NORMAL && power < Float.POSITIVE_INFINITY;
        this.scale = splits ? power : natural ? call.scale : (float) (call.scale * LOG2E);
        this.rest = splits ? call.scale / power : 1;
        this.weights = new RowWeights(call.spec, kernels, probability, s, natural, tileKeys, number, scratch);
        this.out = start(programs.output(), call.spec.valueDim());
        this.twoPasses = call.spec.twoPasses();
        this.low = new int[lanes];
        this.high = new int[lanes];
    }

    /** Whether there is something to say of a mask over whole tiles of keys. */
    static boolean judges(AttentionCall call, AttentionPrograms programs, KeyTiles keyTiles) {
        return programs.mask() != null && !call.band.exact() && keyTiles.inOrder();
    }

    /** Whether scores must be what the spec says; else they may be to the base 2, which saves a multiplication each. */
    private static boolean natural(AttentionCall call, AttentionPrograms programs) {
        TileProgram mask = programs.mask();
        TileProgram probability = programs.probability();
        return programs.cap() != null
                || programs.score() != null
                || mask != null && (mask.reads(TileProgram.VALUE) || mask.reads(TileProgram.SCORE))
                || probability != null && probability.reads(TileProgram.SCORE)
                || call.stage != null && call.stage != ScoreStage.PROBABILITY
                || call.spec.partials()
                || call.spec.normaliser() != Normaliser.SOFTMAX;
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
        int query = (int) (first / call.groupHeads);
        int head = (int) (first % call.groupHeads);
        for (int r = 0; r < lanes; r++) {
            if (r > 0 && r < rows && ++head == call.groupHeads) {
                head = 0;
                query++;
            }
            place.queries[r] = query;
            place.heads[r] = group * call.groupHeads + head;
            long position = (long) query + place.queryOffset;
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
        for (int r = 0; r < rows && call.turn != null; r++) {
            call.turn.turn(dense, r * dim, place.queries[r] + place.queryOffset, scratch);
        }
        Arrays.fill(dense, rows * dim, lanes * dim, 0);
        kernels.ops().toLanesFloat(dense, dim, scale, queries, lanes);
        keyBegin = call.scores == null ? low[0] : 0;
        keyEnd = call.scores == null ? high[lanes - 1] + 1 : call.keys;
        Arrays.fill(accumulator, 0, accumulatorSize, 0);
        weights.reset();
        if (keyBegin < keyEnd) { // without keys a captured tensor may be empty
            rows(cap);
            rows(score);
            rows(mask);
            rows(probability);
            if (verdicts != null) {
                verdicts.judge(keyBegin, keyEnd);
                keyEnd = call.scores == null ? verdicts.end(kernels.keyStep()) : keyEnd;
            }
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

    /** Whether a row may see some of the keys of the tile that begins here; if scores are an output, all must be looked at. */
    boolean sees(int firstKey, int count) {
        return firstKey < keyEnd
                && firstKey + count > keyBegin
                && (call.scores != null || verdict(firstKey) != Verdict.SKIP);
    }

    private Verdict verdict(int firstKey) {
        return mask == null ? Verdict.FULL : verdicts == null ? Verdict.PARTIAL : verdicts.at(firstKey);
    }

    /** Looks at a tile of keys before the pass that weighs the values. */
    void observe(KeyTile tile) {
        int n = score(tile, false);
        weights.observe(n, changed);
    }

    /** Takes in a tile of keys and values; with two passes all keys were observed. */
    void step(KeyTile tile) {
        int n = score(tile, true);
        float[] w = twoPasses ? weights.weigh(n, true) : weights.online(n, changed);
        if (twoPasses) {
            writeScores(ScoreStage.PROBABILITY, w, visible(tile));
        }
        int pitch = tile.valuePitch();
        kernels.accumulate(tile.values, skipped * pitch, n, pitch, tile.channels(), w, weights.rescale(), accumulator);
    }

    /** Writes the weights of a tile of keys when they are an output and were not known in the only pass. */
    void writeWeights(KeyTile tile) {
        int n = score(tile, false);
        writeScores(ScoreStage.PROBABILITY, weights.weigh(n, true), visible(tile));
    }

    private int visible(KeyTile tile) {
        return Math.min(tile.count(), keyEnd - tile.first());
    }

    /** Puts the final scores of the tile into s, -inf where masked; the number of keys, padded. */
    private int score(KeyTile tile, boolean write) {
        int dim = call.spec.headDim();
        int visible = visible(tile);
        place.keys = tile.indices();
        place.positions = tile.positions();
        boolean plain = place.keys == null && place.positions == null && call.scores == null;
        int unseen = plain ? Math.clamp(low[0] - tile.first(), 0, visible - 1) : 0;
        skipped = unseen / kernels.keyStep() * kernels.keyStep();
        place.key = tile.first() + skipped;
        int n = KeyTile.padded(visible - skipped, kernels.keyStep());
        kernels.scores(tile.keys, skipped * tile.keyPitch(), n, tile.keyPitch(), dim, queries, s, weights.top());
        if (rest != 1) {
            multiply(s, n * lanes, rest);
        }
        changed = rest != 1 || cap != null || score != null;
        if (write) {
            writeScores(ScoreStage.RAW, s, visible);
        }
        apply(cap, n);
        if (write) {
            writeScores(ScoreStage.CAPPED, s, visible);
        }
        apply(score, n);
        if (verdict(tile.first()) != Verdict.FULL) {
            apply(mask, n);
            changed |= mask != null;
        }
        if (place.key < low[lanes - 1] || place.key + n - 1 > high[0]) {
            kernels.band(s, n, place.key, low, high);
            changed = true;
        }
        if (write) {
            writeScores(ScoreStage.MASKED, s, visible);
        }
        return n;
    }

    private static void multiply(float[] s, int n, float by) {
        for (int i = 0; i < n; i++) {
            s[i] *= by;
        }
    }

    private void apply(@Nullable ProgramRun run, int n) {
        if (run != null) {
            run.apply(s, n);
        }
    }

    private void writeScores(ScoreStage stage, float[] tile, int n) {
        if (call.scores == null || call.stage != stage) {
            return;
        }
        float[] row = scratch.floats(Role.ROW, n);
        for (int r = 0; r < rows; r++) {
            for (int j = 0; j < n; j++) {
                row[j] = tile[j * lanes + r];
            }
            call.scores.writePart(batch, place.heads[r], place.queries[r], place.key, row, n);
        }
    }

    /** Whether something visible is NaN, or something masked met a factor 0: the fast kernels cannot tell which. */
    boolean hasNan() {
        return kernels.hasNan(accumulator, accumulatorSize);
    }

    /** Sums up the values again, never touching a masked one; what is known of the scores holds, since no lane touches another. */
    void recomputeCarefully(KeyTiles tiles) {
        Arrays.fill(accumulator, 0, accumulatorSize, 0);
        int step = tiles.capacity();
        for (int k = keyBegin / step * step; k < keyEnd; k += step) {
            if (!sees(k, step)) {
                continue;
            }
            KeyTile tile = tiles.at(k, Math.min(step, keyEnd - k));
            int n = score(tile, false);
            float[] w = weights.weigh(n, twoPasses);
            for (int i = 0; i < n * lanes; i++) {
                if (!weights.masked(i)) {
                    addCarefully(tile, i / lanes, i % lanes, w[i]);
                }
            }
        }
    }

    private void addCarefully(KeyTile tile, int key, int lane, float weight) {
        for (int d = 0; d < call.spec.valueDim(); d++) {
            accumulator[d * lanes + lane] += weight * tile.values[(skipped + key) * tile.valuePitch() + d];
        }
    }

    /** Ends the rows when all scores were seen. */
    void conclude() {
        weights.conclude();
        for (int r = 0; r < rows && (call.sinks != null || call.logSumExp != null); r++) {
            float sink = call.sinks == null ? Float.NEGATIVE_INFINITY : call.sinks[place.heads[r]];
            RowSum total = weights.conclude(r, sink);
            if (call.logSumExp != null) {
                call.logSumExp.put(outer, place.heads[r], firstQuery + place.queries[r], total.logSumExp());
            }
        }
    }

    /** Writes the outputs of the rows. */
    void store() {
        int dim = call.spec.valueDim();
        float[] factor = weights.factor();
        if (twoPasses || call.spec.partials()) {
            Arrays.fill(factor, 0, lanes, 1);
        }
        if (out != null) {
            for (int i = 0; i < dim * lanes; i += lanes) {
                for (int r = 0; r < lanes; r++) {
                    accumulator[i + r] *= factor[r];
                }
            }
            Arrays.fill(factor, 0, lanes, 1);
            place.key = 0;
            out.rows();
            out.apply(accumulator, dim);
        }
        float[] dense = scratch.floats(Role.ROW, lanes * dim);
        kernels.ops().fromLanesFloat(accumulator, lanes, factor, dense, dim);
        if (call.groupHeads == 1) {
            call.output.write(outer, place.heads[0], firstQuery + place.queries[0], rows, dense, 0, scratch);
        } else {
            for (int r = 0; r < rows; r++) {
                call.output.write(outer, place.heads[r], firstQuery + place.queries[r], 1, dense, r * dim, scratch);
            }
        }
        if (call.rowMaxima != null && call.rowSums != null) {
            for (int r = 0; r < rows; r++) {
                RowSum total = weights.total(r);
                call.rowMaxima.put(outer, place.heads[r], firstQuery + place.queries[r], total.max());
                call.rowSums.put(outer, place.heads[r], firstQuery + place.queries[r], (float) total.sum());
            }
        }
    }
}
