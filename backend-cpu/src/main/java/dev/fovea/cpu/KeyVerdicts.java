package dev.fovea.cpu;

import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.MaskAnalysis;
import dev.fovea.api.expr.MaskAnalysis.Verdict;
import java.util.Arrays;
import java.util.Objects;

/**
 * What the mask does to each tile of keys for one tile of query rows. Long stretches of keys are judged as one and cut up only where
 * the verdict is open, so that a mask with few borders costs few verdicts.
 */
final class KeyVerdicts implements MaskAnalysis.Tile {
    private static final int FAN = 8;

    private final AttentionCall call;
    private final MaskAnalysis analysis;
    private final Place place;
    private final int tileKeys;
    private int firstHead;
    private int lastHead;
    private int firstQuery;
    private int lastQuery;
    private int keyBegin;
    private int keyEnd;
    private int firstKey;
    private int lastKey;
    private int firstTile;
    private Verdict[] verdicts = new Verdict[0];

    KeyVerdicts(AttentionCall call, MaskAnalysis analysis, Place place, int tileKeys) {
        this.call = call;
        this.analysis = analysis;
        this.place = place;
        this.tileKeys = tileKeys;
    }

    /** Judges the keys of [begin, end) for the rows that the place says. */
    void judge(int begin, int end) {
        keyBegin = begin;
        keyEnd = end;
        firstHead = place.heads[0];
        lastHead = place.heads[0];
        for (int head : place.heads) {
            firstHead = Math.min(firstHead, head);
            lastHead = Math.max(lastHead, head);
        }
        firstQuery = place.queries[0];
        lastQuery = place.queries[place.queries.length - 1];
        firstTile = begin / tileKeys;
        int n = (end + tileKeys - 1) / tileKeys - firstTile;
        verdicts = new Verdict[n];
        if (n > 0) {
            judgeTiles(0, n);
        }
    }

    private void judgeTiles(int from, int to) {
        firstKey = Math.max(keyBegin, (firstTile + from) * tileKeys);
        lastKey = Math.min(keyEnd, (firstTile + to) * tileKeys) - 1;
        Verdict seen = analysis.verdict(this);
        if (seen != Verdict.PARTIAL || to - from == 1) {
            Arrays.fill(verdicts, from, to, seen);
            return;
        }
        int part = (to - from + FAN - 1) / FAN;
        for (int i = from; i < to; i += part) {
            judgeTiles(i, Math.min(to, i + part));
        }
    }

    /** End of the keys that may be visible, to a multiple of {@code step}: so much less work has the last tile. */
    int end(int step) {
        int last = verdicts.length - 1;
        while (last >= 0 && verdicts[last] == Verdict.SKIP) {
            last--;
        }
        if (last < 0) {
            return keyBegin;
        }
        int from = Math.max(keyBegin, (firstTile + last) * tileKeys);
        int to = Math.min(keyEnd, (firstTile + last + 1) * tileKeys);
        while (verdicts[last] == Verdict.PARTIAL && to - from > step) {
            int middle = from + Math.max(1, (to - from) / 2 / step) * step;
            firstKey = middle;
            lastKey = to - 1;
            if (analysis.verdict(this) == Verdict.SKIP) {
                to = middle;
            } else {
                from = middle;
            }
        }
        return to;
    }

    /** The verdict on the tile that this key is in; one beyond the keys is masked. */
    Verdict at(int key) {
        int tile = key / tileKeys - firstTile;
        return tile >= 0 && tile < verdicts.length ? verdicts[tile] : Verdict.SKIP;
    }

    @Override
    public int least(IndexKind kind) {
        return switch (kind) {
            case BATCH -> place.batch;
            case HEAD -> firstHead;
            case KEY_HEAD -> place.keyHead;
            case QUERY -> firstQuery;
            case QUERY_POSITION -> firstQuery + place.queryOffset;
            case KEY, KEY_POSITION -> firstKey;
            case QUERY_LENGTH -> place.queryLength;
            case KEY_LENGTH -> place.keyLength;
            case CHANNEL -> throw new IllegalStateException("only outputs have columns");
        };
    }

    @Override
    public int largest(IndexKind kind) {
        return switch (kind) {
            case HEAD -> lastHead;
            case QUERY -> lastQuery;
            case QUERY_POSITION -> lastQuery + place.queryOffset;
            case KEY, KEY_POSITION -> lastKey;
            default -> least(kind);
        };
    }

    @Override
    public Number scalar(String name) {
        return Objects.requireNonNull(call.scalars.get(name));
    }

    @Override
    public boolean range(Expr.Load load, int[] from, int[] to, int[] leastAndLargest) {
        CaptureBounds bounds = call.bounds.get(load.name());
        return bounds != null && bounds.range(from, to, leastAndLargest);
    }

    @Override
    public boolean keysInOrder() {
        return true;
    }
}
