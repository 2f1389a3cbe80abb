package dev.fovea.kernels;

import dev.fovea.api.spi.TuningPoint;

/**
 * How much of the attention kernel a work-group and a work-item have at a time. A work-item has blocks of four rows, keys and columns.
 *
 * @param slice columns of the value dim that a work-group accumulates, a multiple of four times {@code columnGroups}, up to 128
 * @param rowGroups work-items along the query rows, a power of two
 * @param columnGroups work-items along the keys and the value columns: 8 or 16
 * @param itemRows query rows of a work-item: 4 or 8
 * @param itemKeys keys of a tile of a work-item: 4 or 8
 * @param resident head dim up to which a work-group keeps its queries in local memory, a multiple of {@code depth}; 0: any head dim, queries are
 *     staged anew for each tile of keys
 * @param depth columns of the head dim that are staged at a time, a multiple of 32
 * @param valueKeys keys whose values are staged at a time
 * @param ahead whether keys and values have local memory of their own each, and are copied there, as they lie in memory, while something else
 *     is computed
 */
public record AttentionTile(
        int slice,
        int rowGroups,
        int columnGroups,
        int itemRows,
        int itemKeys,
        int resident,
        int depth,
        int valueKeys,
        boolean ahead) {
    /** Numbers that tiles copied ahead keep apart in local memory. */
    private static final int FLAGS = 4;

    AttentionTile(
            int slice,
            int rowGroups,
            int columnGroups,
            int itemRows,
            int itemKeys,
            int resident,
            int depth,
            int valueKeys) {
        this(slice, rowGroups, columnGroups, itemRows, itemKeys, resident, depth, valueKeys, false);
    }

    /** The same, copied ahead; {@link #isPossible} or not. */
    AttentionTile copiedAhead() {
        return new AttentionTile(slice, rowGroups, columnGroups, itemRows, itemKeys, resident, depth, valueKeys, true);
    }

    /** The same with fewer rows, for devices whose work-groups are small. */
    AttentionTile smaller() {
        return new AttentionTile(
                slice, rowGroups / 4, columnGroups, itemRows, itemKeys, resident, depth, valueKeys, ahead);
    }

    /** The parameters that tuning may choose, as they are. */
    TuningPoint point() {
        return TuningPoint.DEFAULTS
                .with("slice", slice)
                .with("rowGroups", rowGroups)
                .with("columnGroups", columnGroups)
                .with("itemRows", itemRows)
                .with("itemKeys", itemKeys)
                .with("resident", resident)
                .with("depth", depth)
                .with("valueKeys", valueKeys);
    }

    /** The same with other parameters, {@link #isPossible} or not. */
    AttentionTile with(TuningPoint point) {
        return new AttentionTile(
                point.get("slice", slice),
                point.get("rowGroups", rowGroups),
                point.get("columnGroups", columnGroups),
                point.get("itemRows", itemRows),
                point.get("itemKeys", itemKeys),
                point.get("resident", resident),
                point.get("depth", depth),
                point.get("valueKeys", valueKeys),
                ahead);
    }

    /** Whether there is such a kernel, by the rules that tiles.clh holds it to. */
    boolean isPossible() {
        boolean items = (columnGroups == 8 || columnGroups == 16)
                && rowGroups >= 2
                && rowGroups <= 32
                && Integer.bitCount(rowGroups) == 1
                && (itemRows == 4 || itemRows == 8)
                && (itemKeys == 4 || itemKeys == 8);
        if (!items || depth < 32 || depth % 32 != 0 || resident < 0 || resident % depth != 0) {
            return false;
        }
        if (ahead && (resident != depth || valueKeys != keys())) {
            return false;
        }
        int columns = 4 * columnGroups;
        boolean values = slice >= columns
                && slice <= 128
                && slice % columns == 0
                && valueKeys >= 4
                && keys() % valueKeys == 0
                && valueKeys * slice % (4 * workItems()) == 0;
        boolean shared = 8 * keys() % workItems() == 0
                && 8 * rows() % workItems() == 0
                && itemRows * workItems() + 2 <= keys() * rows();
        return values && shared;
    }

    public int rows() {
        return itemRows * rowGroups;
    }

    public int keys() {
        return itemKeys * columnGroups;
    }

    public int workItems() {
        return columnGroups * rowGroups;
    }

    /** Local memory of a work-group. */
    public int localBytes() {
        int forKeys = depth * (keys() + (resident > 0 ? 0 : rows()));
        int forValues = valueKeys * slice;
        int shared = ahead ? forKeys + forValues + FLAGS : Math.max(forKeys, forValues);
        return Float.BYTES * (resident * rows() + shared + keys() * rows());
    }

    /** Registers that hold accumulators of both products in a work-item. */
    public int accumulators() {
        return itemRows * (itemKeys + slice / columnGroups);
    }

    @Override
    public String toString() {
        return rows() + " queries x " + keys() + " keys x " + slice + " value columns a work-group of " + workItems()
                + ", " + itemRows + " x " + itemKeys + " a work-item"
                + (ahead ? ", copied ahead" : "");
    }

    String defines() {
        return "#define SLICE " + slice + "\n#define ROW_GROUPS " + rowGroups + "\n#define COLUMN_GROUPS "
                + columnGroups
                + "\n#define ITEM_ROWS " + itemRows + "\n#define ITEM_KEYS " + itemKeys + "\n#define RESIDENT "
                + resident + "\n#define DEPTH " + depth + "\n#define VALUE_KEYS " + valueKeys
                + "\n#define AHEAD " + (ahead ? 1 : 0) + "\n#define LOCAL_FLOATS " + localBytes() / Float.BYTES
                + "\n";
    }
}
