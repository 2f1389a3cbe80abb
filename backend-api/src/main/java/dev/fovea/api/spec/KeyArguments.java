package dev.fovea.api.spec;

import dev.fovea.api.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link KeySource} beyond the plain one needs at run time; what it does not ask for is null.
 *
 * @param queryStarts I32 [B + 1], from 0, not decreasing: sequence b has the packed queries from entry b up to entry b + 1
 * @param keyStarts I32 [B + 1], likewise for ragged keys
 * @param pageTable I32 [B, n] or [B, Hk, n]: key k lies in page {@code table[k / page size]}; every entry is a page number, unused
 *     ones too
 * @param keyPositions I32 [B, S] or [B, Hk, S]: kpos of each key index; S = the keys that a sequence can have
 * @param selected the lists of a selection
 * @param keyScales F16 in the shape of K without its last axis for INT8 and INT4; F32 [pages, Hk] for FP8, [B, Hk] where keys are dense
 * @param keyZeros F16, likewise; null for FP8
 * @param valueScales as keyScales, for V
 * @param valueZeros as keyZeros, for V
 * @param cosines F32 [positions, pairs] of a rotary embedding on load; every kpos and qpos is a row
 * @param sines F32 [positions, pairs]
 */
public record KeyArguments(
        @Nullable Tensor queryStarts,
        @Nullable Tensor keyStarts,
        @Nullable Tensor pageTable,
        @Nullable Tensor keyPositions,
        @Nullable Selected selected,
        @Nullable Tensor keyScales,
        @Nullable Tensor keyZeros,
        @Nullable Tensor valueScales,
        @Nullable Tensor valueZeros,
        @Nullable Tensor cosines,
        @Nullable Tensor sines) {

    public static final KeyArguments NONE =
            new KeyArguments(null, null, null, null, null, null, null, null, null, null, null);

    /**
     * The keys that the queries of each block may see. A list holds no key or block twice.
     *
     * @param lists I32 [B or 1, Hq, Hk or 1, query blocks, n]: key block numbers, or key indices; entries beyond the count are any valid
     *     number
     * @param counts I32 [B or 1, Hq, Hk or 1, query blocks]: entries in use, 0 to n: the numbers that the lists were checked with
     * @param queryBlock queries that share a list, at least 1
     * @param keyBlock keys of a block; 1 for a selection of tokens
     */
    public record Selected(Tensor lists, Tensor counts, int queryBlock, int keyBlock) {}

    public KeyArguments withQueryStarts(Tensor starts) {
        return new KeyArguments(
                starts,
                keyStarts,
                pageTable,
                keyPositions,
                selected,
                keyScales,
                keyZeros,
                valueScales,
                valueZeros,
                cosines,
                sines);
    }

    public KeyArguments withKeyStarts(Tensor starts) {
        return new KeyArguments(
                queryStarts,
                starts,
                pageTable,
                keyPositions,
                selected,
                keyScales,
                keyZeros,
                valueScales,
                valueZeros,
                cosines,
                sines);
    }

    public KeyArguments withPageTable(Tensor table) {
        return new KeyArguments(
                queryStarts,
                keyStarts,
                table,
                keyPositions,
                selected,
                keyScales,
                keyZeros,
                valueScales,
                valueZeros,
                cosines,
                sines);
    }

    public KeyArguments withKeyPositions(Tensor positions) {
        return new KeyArguments(
                queryStarts,
                keyStarts,
                pageTable,
                positions,
                selected,
                keyScales,
                keyZeros,
                valueScales,
                valueZeros,
                cosines,
                sines);
    }

    public KeyArguments withSelected(Selected lists) {
        return new KeyArguments(
                queryStarts,
                keyStarts,
                pageTable,
                keyPositions,
                lists,
                keyScales,
                keyZeros,
                valueScales,
                valueZeros,
                cosines,
                sines);
    }

    /** The scales, and for INT8 and INT4 the zero points, of quantised keys and values. */
    public KeyArguments withScales(
            Tensor keyScales, @Nullable Tensor keyZeros, Tensor valueScales, @Nullable Tensor valueZeros) {
        return new KeyArguments(
                queryStarts,
                keyStarts,
                pageTable,
                keyPositions,
                selected,
                keyScales,
                keyZeros,
                valueScales,
                valueZeros,
                cosines,
                sines);
    }

    public KeyArguments withRotary(Tensor cos, Tensor sin) {
        return new KeyArguments(
                queryStarts,
                keyStarts,
                pageTable,
                keyPositions,
                selected,
                keyScales,
                keyZeros,
                valueScales,
                valueZeros,
                cos,
                sin);
    }

    List<Tensor> tensors() {
        List<Tensor> all = new ArrayList<>();
        for (Tensor t : new @Nullable Tensor[] {
            queryStarts,
            keyStarts,
            pageTable,
            keyPositions,
            keyScales,
            keyZeros,
            valueScales,
            valueZeros,
            cosines,
            sines
        }) {
            if (t != null) {
                all.add(t);
            }
        }
        if (selected != null) {
            all.add(selected.lists());
            all.add(selected.counts());
        }
        return all;
    }
}
