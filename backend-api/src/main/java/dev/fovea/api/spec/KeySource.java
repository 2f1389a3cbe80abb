package dev.fovea.api.spec;

import dev.fovea.api.DType;
import java.util.Optional;

/**
 * Where attention finds queries, keys and values, beside the plain case of one dense tensor each.
 *
 * @param packedQueries queries of all sequences one after another: Q [1, Hq, T, D], cut by cumulative starts [B + 1]
 * @param layout how keys and values are laid out
 * @param selection which keys a query may see at all, before mask and lengths
 * @param format storage of keys and values
 * @param positions whether each key slot has a position of its own, which {@code kpos} then is
 * @param rotary rotary embedding of queries by {@code qpos} and of keys by {@code kpos} as they are loaded, in f32: for caches that hold
 *     keys not turned yet
 */
public record KeySource(
        boolean packedQueries,
        Layout layout,
        Selection selection,
        KvFormat format,
        boolean positions,
        Optional<Rotary> rotary) {
    /**
     * How columns pair up and how many turn; see {@link RotarySpec}.
     *
     * @param dim even, 2 to the head dim
     */
    public record Rotary(RotarySpec.Pairing pairing, int dim) {
        public int pairs() {
            return dim / 2;
        }
    }

    /** Without rotary embedding. */
    public KeySource(boolean packedQueries, Layout layout, Selection selection, KvFormat format, boolean positions) {
        this(packedQueries, layout, selection, format, positions, Optional.empty());
    }

    public enum Layout {
        /** [B, Hk, S, D]. */
        DENSE,
        /** [1, Hk, T, D], all sequences one after another, cut by cumulative starts [B + 1]. */
        RAGGED,
        /** [pages, Hk, page size, D] with a table of page numbers [B, n] or [B, Hk, n]; lengths are required. */
        PAGED
    }

    public enum Selection {
        ALL,
        /** Lists of key blocks for each (batch, head, query block). */
        BLOCKS,
        /** Lists of key indices for each (batch, head, query block). */
        TOKENS
    }

    /** Dense keys in a floating-point type. */
    public static KeySource dense(DType storage) {
        return new KeySource(false, Layout.DENSE, Selection.ALL, KvFormat.of(storage), false);
    }

    public KeySource withPackedQueries() {
        return new KeySource(true, layout, selection, format, positions, rotary);
    }

    public KeySource with(Layout layout) {
        return new KeySource(packedQueries, layout, selection, format, positions, rotary);
    }

    public KeySource with(Selection selection) {
        return new KeySource(packedQueries, layout, selection, format, positions, rotary);
    }

    public KeySource with(KvFormat format) {
        return new KeySource(packedQueries, layout, selection, format, positions, rotary);
    }

    public KeySource withPositions() {
        return new KeySource(packedQueries, layout, selection, format, true, rotary);
    }

    public KeySource with(Rotary turned) {
        return new KeySource(packedQueries, layout, selection, format, positions, Optional.of(turned));
    }

    /** One dense tensor of queries, keys and values each, whatever their format. */
    public boolean isDense() {
        return !packedQueries && layout == Layout.DENSE && selection == Selection.ALL && !positions && rotary.isEmpty();
    }
}
