package dev.fovea.api.spec;

import dev.fovea.api.DType;

/**
 * Where attention finds queries, keys and values, beside the plain case of one dense tensor each.
 *
 * @param packedQueries queries of all sequences one after another: Q [1, Hq, T, D], cut by cumulative starts [B + 1]
 * @param layout how keys and values are laid out
 * @param selection which keys a query may see at all, before mask and lengths
 * @param format storage of keys and values
 * @param positions whether each key slot has a position of its own, which {@code kpos} then is
 */
public record KeySource(boolean packedQueries, Layout layout, Selection selection, KvFormat format, boolean positions) {
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
        return new KeySource(true, layout, selection, format, positions);
    }

    public KeySource with(Layout layout) {
        return new KeySource(packedQueries, layout, selection, format, positions);
    }

    public KeySource with(Selection selection) {
        return new KeySource(packedQueries, layout, selection, format, positions);
    }

    public KeySource with(KvFormat format) {
        return new KeySource(packedQueries, layout, selection, format, positions);
    }

    public KeySource withPositions() {
        return new KeySource(packedQueries, layout, selection, format, true);
    }

    /** One dense tensor of queries, keys and values each, whatever their format. */
    public boolean isDense() {
        return !packedQueries && layout == Layout.DENSE && selection == Selection.ALL && !positions;
    }
}
