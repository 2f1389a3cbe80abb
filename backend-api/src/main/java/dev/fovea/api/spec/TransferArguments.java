package dev.fovea.api.spec;

import dev.fovea.api.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A run of {@link TransferSpec}: for each n and head, row {@code sourceSlots[n]} of the source goes to row {@code targetSlots[n]} of the
 * target. No target slot occurs twice, and none is a source slot of the same run.
 *
 * @param source [P, H, S, elements], any strides but 1 along the last axis
 * @param sourceScales as {@link KeyArguments#keyScales} for a quantised source: F16 [P, H, S], or F32 [P, H]
 * @param sourceZeros F16 [P, H, S] for INT8 and INT4
 * @param target [P', H, S', elements], likewise, changed in the given slots
 * @param targetScales written for INT8 and INT4, read for FP8
 * @param targetZeros written for INT8 and INT4
 * @param sourceSlots I32 [N] or [H, N]; -1 skips the row
 * @param targetSlots I32 [N] or [H, N]; -1 skips the row
 */
public record TransferArguments(
        Tensor source,
        @Nullable Tensor sourceScales,
        @Nullable Tensor sourceZeros,
        Tensor target,
        @Nullable Tensor targetScales,
        @Nullable Tensor targetZeros,
        Tensor sourceSlots,
        Tensor targetSlots)
        implements Arguments {

    @Override
    public List<Tensor> inputs() {
        List<Tensor> all = new ArrayList<>(List.of(source, sourceSlots, targetSlots));
        add(all, sourceScales, sourceZeros);
        return all;
    }

    @Override
    public List<Tensor> outputs() {
        List<Tensor> all = new ArrayList<>(List.of(target));
        add(all, targetScales, targetZeros);
        return all;
    }

    private static void add(List<Tensor> all, @Nullable Tensor... some) {
        for (Tensor t : some) {
            if (t != null) {
                all.add(t);
            }
        }
    }
}
