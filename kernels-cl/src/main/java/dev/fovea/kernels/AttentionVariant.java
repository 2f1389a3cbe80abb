package dev.fovea.kernels;

import dev.fovea.api.DType;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeyArguments;
import dev.fovea.api.spi.TuningPoint;
import java.util.Optional;

/**
 * What is fixed when the attention kernel is compiled, besides the expressions.
 *
 * @param storage type of Q, K, V and O
 * @param resident head dim up to which a work-group keeps its queries in local memory, a multiple of 32; 0: any head dim, queries are staged anew for each tile of keys
 * @param slice columns of the value dim that a work-group accumulates: 64, 96 or 128
 * @param rowGroups work-items along the query rows, a power of two; each has four rows
 * @param wide 64-bit distances inside a slice
 * @param unrolled loops over register blocks unrolled; a CPU compiles several times faster without
 * @param localFloats local memory to stay within
 */
public record AttentionVariant(
        DType storage, int resident, int slice, int rowGroups, boolean wide, boolean unrolled, int localFloats) {
    /** Work-items along the keys and the value columns. */
    public static final int COLUMN_GROUPS = 8;

    private static final int WIDEST_SLICE = 128;
    private static final int KEYS = 4 * COLUMN_GROUPS;
    private static final int DEPTH = 32;

    /** What tuning may choose. */
    public static final TuningSpace SPACE = TuningSpace.of()
            .with("rowGroups", 4, 8, 16, 32)
            .with("slice", 32, 64, 96, 128)
            .with("resident", 0, 64)
            .with("unrolled", 0, 1);

    /** The variant for a spec on a device with 32 KiB of local memory and work-groups of 128. */
    public static AttentionVariant of(AttentionSpec spec) {
        int slices = Math.ceilDiv(spec.valueDim(), WIDEST_SLICE);
        int slice = Math.max(64, Math.ceilDiv(Math.ceilDiv(spec.valueDim(), slices), 32) * 32);
        int resident = spec.headDim() <= 64 && slice % 64 == 0 ? 64 : 0; // local memory stages values 64 wide then
        return new AttentionVariant(spec.storage(), resident, slice, 16, false, true, 8192);
    }

    /** The same with 64-bit distances. */
    public AttentionVariant widened() {
        return new AttentionVariant(storage, resident, slice, rowGroups, true, unrolled, localFloats);
    }

    /** The same without unrolling. */
    public AttentionVariant compact() {
        return new AttentionVariant(storage, resident, slice, rowGroups, wide, false, localFloats);
    }

    /** The same with fewer rows to a work-group, for devices that cannot run the larger one. */
    public AttentionVariant smaller() {
        return new AttentionVariant(storage, resident, slice, rowGroups / 4, wide, unrolled, localFloats);
    }

    /** The parameters that tuning may choose, as they are. */
    public TuningPoint point() {
        return TuningPoint.DEFAULTS
                .with("rowGroups", rowGroups)
                .with("slice", slice)
                .with("resident", resident)
                .with("unrolled", unrolled);
    }

    /** The same for a spec with other parameters; empty if there is no such kernel. */
    public Optional<AttentionVariant> with(AttentionSpec spec, TuningPoint point) {
        AttentionVariant v = new AttentionVariant(
                storage,
                point.get("resident", resident),
                point.get("slice", slice),
                point.get("rowGroups", rowGroups),
                wide,
                point.get("unrolled", unrolled),
                localFloats);
        return v.possible(spec) ? Optional.of(v) : Optional.empty();
    }

    private boolean possible(AttentionSpec spec) {
        boolean shape = rowGroups >= 2 && rowGroups <= 32 && Integer.bitCount(rowGroups) == 1;
        boolean slices = slice >= 32 && slice <= WIDEST_SLICE && slice % 32 == 0 && slice < spec.valueDim() + 32;
        boolean queries = resident == 0 || resident == 64 && spec.headDim() <= 64 && slice % 64 == 0;
        return shape && slices && queries && floats() <= localFloats;
    }

    /** Local memory as tiles.clh counts it. */
    private int floats() {
        int staged = resident > 0 ? 64 : slice;
        int shared = Math.max(resident > 0 ? resident * KEYS : DEPTH * (rows() + KEYS), staged * KEYS);
        return resident * rows() + shared + KEYS * rows();
    }

    public int rows() {
        return 4 * rowGroups;
    }

    public int workItems() {
        return COLUMN_GROUPS * rowGroups;
    }

    /** Slices that the value dim is cut into. */
    public int slices(int valueDim) {
        return Math.ceilDiv(valueDim, slice);
    }

    /** Work-groups of one head of one sequence and one slice: tiles of rows, which do not reach across blocks of queries that share a list. */
    public long tiles(AttentionArguments a) {
        KeyArguments.Selected selected = a.source().selected();
        if (selected == null) {
            return Math.ceilDiv(a.queries(), rows());
        }
        return Math.ceilDiv(a.queries(), selected.queryBlock()) * Math.ceilDiv(selected.queryBlock(), rows());
    }

    String defines() {
        return "#define STORAGE " + storageNumber() + "\n#define RESIDENT " + resident + "\n#define SLICE " + slice
                + "\n#define ROW_GROUPS " + rowGroups + "\n#define UNROLL " + (unrolled ? 4 : 1) + "\n#define WIDE "
                + (wide ? 1 : 0)
                + "\n#define LOCAL_FLOATS "
                + localFloats + "\n";
    }

    private int storageNumber() {
        return switch (storage) {
            case F32 -> 0;
            case F16 -> 1;
            case BF16 -> 2;
            case I32, BOOL, BYTE -> throw new IllegalArgumentException("attention is over floats, got " + storage);
        };
    }
}
