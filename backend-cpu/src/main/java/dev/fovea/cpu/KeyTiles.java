package dev.fovea.cpu;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The keys and values that some blocks of query rows may see, tile by tile. Those of a short head stay for the thread's next blocks of
 * the same head: to load them anew takes up to a tenth of a block's time.
 */
final class KeyTiles {
    /** Floats of keys and values up to which the tiles of a head stay. */
    private static final long MOST_KEPT = 1 << 19;

    private final AttentionCall call;
    private final Scratch scratch;
    private final int batch;
    private final int group;
    private final KeyList list;
    private final KeyTile.Form form;

    /** Tiles that stay, or one that is loaded again and again. */
    private final @Nullable KeyTile[] tiles;

    private final boolean kept;

    private KeyTiles(AttentionCall call, Scratch scratch, int batch, int group, KeyList list, KeyTile.Form form) {
        this.call = call;
        this.scratch = scratch;
        this.batch = batch;
        this.group = group;
        this.list = list;
        this.form = form;
        this.kept = list.keys() == null
                && call.keyPositions == null
                && (long) call.keys * (form.columns() + form.channels()) <= MOST_KEPT;
        this.tiles = new KeyTile[kept ? Math.ceilDiv(call.keys, form.capacity()) + 1 : 1];
    }

    /** The tiles that the thread's last block left, if they serve this one too. */
    static KeyTiles of(AttentionCall call, Scratch scratch, int batch, int group, KeyList list, KeyTile.Form form) {
        KeyTiles last = scratch.tiles();
        if (last != null
                && last.kept
                && last.call == call
                && last.batch == batch
                && call.keyHead(last.group) == call.keyHead(group)
                && call.valueHead(last.group) == call.valueHead(group)
                && last.list.equals(list)
                && last.form.equals(form)) {
            return last;
        }
        KeyTiles tiles = new KeyTiles(call, scratch, batch, group, list, form);
        scratch.keepTiles(tiles);
        return tiles;
    }

    /** Keys that the blocks may see. */
    KeyList list() {
        return list;
    }

    /** Most keys of a tile. */
    int capacity() {
        return form.capacity();
    }

    /** Whether the place of a key in the list is its index and its position. */
    boolean inOrder() {
        return list.keys() == null && call.keyPositions == null;
    }

    /** The tile that begins at this key with at least so many keys. Another one may be gone then. */
    KeyTile at(int first, int count) {
        int number = kept ? first / form.capacity() : 0;
        KeyTile tile = tiles[number];
        if (tile == null) {
            // where tiles stay, the first array is left to others
            tile = new KeyTile(call, scratch, batch, group, list, form, kept ? number + 1 : 0);
            tiles[number] = tile;
        } else if (kept && tile.count() >= count) {
            return tile;
        }
        tile.load(first, count);
        return Objects.requireNonNull(tile);
    }
}
