package dev.fovea.api.spec;

import dev.fovea.api.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A run of {@link MergeSpec} over n parts.
 *
 * @param maxima F32 [n, B, H, S]: exact row maxima, natural units, -inf where a part has no visible key; any strides
 * @param sums F32 [n, B, H, S]
 * @param accumulators F32 [n, B, H, S, Dv], any strides but 1 along the last axis
 * @param weights F32 [n, B, H, S] for WEIGHTED, else null
 * @param sinks F32 [H], natural units
 * @param output [B, H, S, Dv]
 * @param logSumExp F32 [B, H, S], written
 */
public record MergeArguments(
        Tensor maxima,
        Tensor sums,
        Tensor accumulators,
        @Nullable Tensor weights,
        @Nullable Tensor sinks,
        Tensor output,
        @Nullable Tensor logSumExp)
        implements Arguments {

    @Override
    public List<Tensor> inputs() {
        List<Tensor> all = new ArrayList<>(List.of(maxima, sums, accumulators));
        if (weights != null) {
            all.add(weights);
        }
        if (sinks != null) {
            all.add(sinks);
        }
        return all;
    }

    @Override
    public List<Tensor> outputs() {
        return logSumExp == null ? List.of(output) : List.of(output, logSumExp);
    }
}
