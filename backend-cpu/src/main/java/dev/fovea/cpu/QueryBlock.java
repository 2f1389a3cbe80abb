package dev.fovea.cpu;

import dev.fovea.api.expr.MaskAnalysis;
import dev.fovea.api.spec.ScoreStage;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * Attention of some consecutive rows of one (batch entry, head group): a few tiles of query rows that share each tile of keys and
 * values on its way through the cache.
 */
final class QueryBlock {
    private static final int MOST_TILES = 8;

    /** Blocks that keep the threads of a usual machine busy to the end. */
    private static final int ENOUGH_BLOCKS = 32;

    /** Columns up to which the keys and values of a full tile fit the second cache. */
    private static final int WIDE_HEAD = 576;

    private final AttentionCall call;
    private final AttentionPrograms programs;
    private final KernelSet kernels;
    private final Scratch scratch;
    private final int batch;
    private final int group;
    private final KeyTiles keyTiles;

    QueryBlock(
            AttentionCall call,
            AttentionPrograms programs,
            KernelSet kernels,
            Scratch scratch,
            int batch,
            int group,
            KeyList keys) {
        this.call = call;
        this.programs = programs;
        this.kernels = kernels;
        this.scratch = scratch;
        this.batch = batch;
        this.group = group;
        this.keyTiles = KeyTiles.of(call, scratch, batch, group, keys, form(call, programs, kernels.wide()));
    }

    /** Tiles of a block: as many share keys as leave enough blocks. Of the shape alone, lest results depend on threads. */
    static int tiles(AttentionWork.Shape shape, int lanes) {
        int tiles = MOST_TILES;
        while (tiles > 1 && blocks(shape, (long) tiles * lanes) < ENOUGH_BLOCKS) {
            tiles /= 2;
        }
        return tiles;
    }

    private static long blocks(AttentionWork.Shape shape, long rows) {
        long all = 0;
        for (int b = 0; b < shape.queryLengths().length; b++) {
            all += Math.ceilDiv(shape.rows(b), rows);
        }
        return all * shape.groups();
    }

    private static KeyTile.Form form(AttentionCall call, AttentionPrograms programs, Kernels kernels) {
        int channels = KeyTile.padded(call.spec.valueDim(), kernels.channelStep());
        return new KeyTile.Form(
                tileKeys(call, programs),
                call.spec.headDim(),
                kernels.keyPitch(call.spec.headDim()),
                channels,
                kernels.valuePitch(channels),
                kernels.keyStep());
    }

    /** As many as fill the first cache with scores: with programs other tiles are there too. */
    private static int tileKeys(AttentionCall call, AttentionPrograms programs) {
        boolean wide = Math.max(call.spec.headDim(), call.spec.valueDim()) > WIDE_HEAD;
        return wide ? 32 : programs.onTiles() ? 64 : 128;
    }

    /** The rows from {@code first} on. */
    void run(long first, int count) {
        List<QueryTile> tiles = new ArrayList<>();
        MaskAnalysis analysis =
                QueryTile.judges(call, programs, keyTiles) ? programs.analysis().copy() : null;
        for (int r = 0; r < count; ) {
            Kernels fitting = kernels.forRows(count - r);
            QueryTile tile =
                    new QueryTile(call, programs, fitting, scratch, batch, group, tiles.size(), keyTiles, analysis);
            tile.load(first + r, first + count);
            tiles.add(tile);
            r += fitting.lanes();
        }
        boolean twoPasses = call.spec.twoPasses();
        if (twoPasses) {
            overKeys(tiles, QueryTile::observe);
            conclude(tiles);
        }
        overKeys(tiles, QueryTile::step);
        for (QueryTile tile : tiles) {
            if (tile.hasNan()) {
                tile.recomputeCarefully(keyTiles);
            }
        }
        if (!twoPasses) {
            conclude(tiles);
            if (call.stage == ScoreStage.PROBABILITY) {
                overKeys(tiles, QueryTile::writeWeights);
            }
        }
        for (QueryTile tile : tiles) {
            tile.store();
        }
    }

    private static void conclude(List<QueryTile> tiles) {
        for (QueryTile tile : tiles) {
            tile.conclude();
        }
    }

    /** Loads all keys that some tile may see, a tile of keys after another, and gives each to the tiles that may see some of it. */
    private void overKeys(List<QueryTile> tiles, BiConsumer<QueryTile, KeyTile> work) {
        int begin = Integer.MAX_VALUE;
        int end = 0;
        for (QueryTile tile : tiles) {
            if (tile.keyBegin() < tile.keyEnd()) {
                begin = Math.min(begin, tile.keyBegin());
                end = Math.max(end, tile.keyEnd());
            }
        }
        int step = keyTiles.capacity();
        for (int k = end == 0 ? 0 : begin / step * step; k < end; k += step) {
            KeyTile keys = null;
            for (QueryTile tile : tiles) {
                if (tile.sees(k, step)) {
                    keys = keys == null ? keyTiles.at(k, Math.min(step, end - k)) : keys;
                    work.accept(tile, keys);
                }
            }
        }
    }
}
