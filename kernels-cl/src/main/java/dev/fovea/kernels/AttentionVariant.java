package dev.fovea.kernels;

import dev.fovea.api.DType;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeyArguments;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spi.TuningPoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What is fixed when the attention kernel is compiled, besides the expressions.
 *
 * @param storage type of Q, K, V and O
 * @param tile how the work is dealt out
 * @param wide 64-bit distances inside a slice
 * @param unrolled loops over register blocks unrolled; a CPU compiles several times faster without
 * @param nativeExp2 weights by the device's own exponential
 */
public record AttentionVariant(DType storage, AttentionTile tile, boolean wide, boolean unrolled, boolean nativeExp2) {
    private static final int WIDEST_SLICE = 128;

    /** What tuning may choose, around each of the alternatives. */
    public static final TuningSpace SPACE = TuningSpace.of()
            .with("rowGroups", 4, 8, 16, 32)
            .with("columnGroups")
            .with("itemRows")
            .with("itemKeys")
            .with("slice", 32, 64, 96, 128)
            .with("resident", 0)
            .with("depth", 32, 64)
            .with("valueKeys", 16, 32, 64)
            .with("unrolled", 0, 1);

    /** The variant for a spec on any device: one with 32 KiB of local memory, work-groups of 128 and 64 registers. */
    public static AttentionVariant of(AttentionSpec spec) {
        return of(spec, TileLimits.LEAST);
    }

    /** The best variant for a spec within limits. */
    public static AttentionVariant of(AttentionSpec spec, TileLimits limits) {
        return alternatives(spec, limits).getFirst();
    }

    /** All variants for a spec within limits, the best first. The last one is within any limits, and so is what to build when others fail. */
    public static List<AttentionVariant> alternatives(AttentionSpec spec, TileLimits limits) {
        List<AttentionVariant> all = new ArrayList<>();
        for (AttentionTile tile : tiles(spec)) {
            if (limits.copiesAhead() && isCopied(spec) && limits.allowAhead(tile)) {
                all.add(new AttentionVariant(spec.storage(), tile.copiedAhead(), false, true, limits.nativeExp2()));
            }
            if (limits.allow(tile)) {
                all.add(new AttentionVariant(spec.storage(), tile, false, true, limits.nativeExp2()));
            }
        }
        all.add(new AttentionVariant(spec.storage(), plain(spec), false, true, limits.nativeExp2()));
        return all;
    }

    /** Whether keys and values are used as they are stored. */
    private static boolean isCopied(AttentionSpec spec) {
        return spec.storage() == DType.F32
                && spec.source().format() == KvFormat.of(DType.F32)
                && spec.source().rotary().isEmpty();
    }

    /** 8 x 8 and 8 x 4 register blocks, for devices with registers for them. */
    private static List<AttentionTile> tiles(AttentionSpec spec) {
        if (spec.valueDim() > 64) {
            int slices = Math.ceilDiv(spec.valueDim(), WIDEST_SLICE);
            int slice = Math.ceilDiv(Math.ceilDiv(spec.valueDim(), slices), 64) * 64;
            AttentionTile staged = new AttentionTile(slice, 8, 16, 8, 4, 0, 32, 32);
            return spec.headDim() <= 128
                    ? List.of(new AttentionTile(slice, 8, 16, 8, 4, 128, 64, 32), staged)
                    : List.of(staged);
        }
        return spec.headDim() <= 64
                ? List.of(new AttentionTile(64, 16, 8, 8, 8, 64, 64, 64), new AttentionTile(64, 8, 8, 8, 8, 64, 64, 64))
                : List.of(new AttentionTile(64, 8, 8, 8, 8, 0, 32, 64));
    }

    /** 4 x 4 register blocks in 32 KiB. */
    private static AttentionTile plain(AttentionSpec spec) {
        int slices = Math.ceilDiv(spec.valueDim(), WIDEST_SLICE);
        int slice = Math.max(64, Math.ceilDiv(Math.ceilDiv(spec.valueDim(), slices), 32) * 32);
        return spec.headDim() <= 64 && slice % 64 == 0 // local memory stages values 64 wide then
                ? new AttentionTile(slice, 16, 8, 4, 4, 64, 64, 2048 / slice)
                : new AttentionTile(slice, 16, 8, 4, 4, 0, 32, 32);
    }

    /** The same with 64-bit distances. */
    public AttentionVariant widened() {
        return new AttentionVariant(storage, tile, true, unrolled, nativeExp2);
    }

    /** The same without unrolling. */
    public AttentionVariant compact() {
        return new AttentionVariant(storage, tile, wide, false, nativeExp2);
    }

    /** The same with fewer rows to a work-group, for devices that cannot run the larger one. */
    public AttentionVariant smaller() {
        return new AttentionVariant(storage, tile.smaller(), wide, unrolled, nativeExp2);
    }

    /** The same with keys and values copied ahead, where the tile allows it. */
    public AttentionVariant copiedAhead() {
        return new AttentionVariant(storage, tile.copiedAhead(), wide, unrolled, nativeExp2);
    }

    /** The parameters that tuning may choose, as they are. */
    public TuningPoint point() {
        return tile.point().with("unrolled", unrolled);
    }

    /** The same for a spec with other parameters; empty if there is no such kernel within limits. */
    public Optional<AttentionVariant> with(AttentionSpec spec, TuningPoint point, TileLimits limits) {
        AttentionTile t = tile.with(point);
        boolean possible = t.isPossible()
                && t.slice() < spec.valueDim() + 32
                && (t.resident() == 0 || spec.headDim() <= t.resident())
                && (t.equals(tile) || limits.allow(t));
        return possible
                ? Optional.of(new AttentionVariant(storage, t, wide, point.get("unrolled", unrolled), nativeExp2))
                : Optional.empty();
    }

    /** Slices that the value dim is cut into. */
    public int slices(int valueDim) {
        return Math.ceilDiv(valueDim, tile.slice());
    }

    /** Work-groups of one head of one sequence and one slice: tiles of rows, which do not reach across blocks of queries that share a list. */
    public long tiles(AttentionArguments a) {
        KeyArguments.Selected selected = a.source().selected();
        if (selected == null) {
            return Math.ceilDiv(a.queries(), tile.rows());
        }
        return Math.ceilDiv(a.queries(), selected.queryBlock()) * Math.ceilDiv(selected.queryBlock(), tile.rows());
    }

    String defines() {
        return "#define STORAGE " + storageNumber() + "\n" + tile.defines() + "#define UNROLL " + (unrolled ? 16 : 1)
                + "\n#define WIDE " + (wide ? 1 : 0) + "\n#define NATIVE_EXP2 " + (nativeExp2 ? 1 : 0) + "\n";
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
