package dev.fovea.api.spec;

import dev.fovea.api.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The tensors and numbers of one run of an {@link AttentionSpec}; what the spec does not ask for is null.
 *
 * @param query [B, Hq, Sq, headDim], any strides but 1 along the last axis
 * @param key [B, Hk, S, headDim], likewise
 * @param value [B, Hv, S, valueDim], likewise
 * @param output [B, Hq, Sq, valueDim], likewise; overlaps no input
 * @param scale factor of the dot products
 * @param pastKey [B, Hk, P, headDim]
 * @param pastValue [B, Hv, P, valueDim]
 * @param keyLengths I32 [B] or [B, Hk], each from 0 to P + S
 * @param queryOffsets I32 [B] or [B, Hk]
 * @param sinks F32 [Hq], natural units
 * @param logSumExp F32 [B, Hq, Sq], written
 * @param scores F32 [B, Hq, Sq, P + S], written
 * @param captures the captured tensors of the expressions
 * @param scalars the runtime scalars of the expressions
 */
public record AttentionArguments(
        Tensor query,
        Tensor key,
        Tensor value,
        Tensor output,
        float scale,
        @Nullable Tensor pastKey,
        @Nullable Tensor pastValue,
        @Nullable Tensor keyLengths,
        @Nullable Tensor queryOffsets,
        @Nullable Tensor sinks,
        @Nullable Tensor logSumExp,
        @Nullable Tensor scores,
        Map<String, Tensor> captures,
        Map<String, Number> scalars)
        implements Arguments {

    public AttentionArguments {
        captures = Map.copyOf(captures);
        scalars = Map.copyOf(scalars);
    }

    public AttentionArguments(Tensor query, Tensor key, Tensor value, Tensor output) {
        this(
                query,
                key,
                value,
                output,
                (float) (1 / Math.sqrt((double) query.size(3))),
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                Map.of(),
                Map.of());
    }

    public long batch() {
        return query.size(0);
    }

    public long queries() {
        return query.size(2);
    }

    public long pastKeys() {
        return pastKey == null ? 0 : pastKey.size(2);
    }

    /** Keys of a sequence before any length cuts them: past and new. */
    public long keys() {
        return pastKeys() + key.size(2);
    }

    @Override
    public List<Tensor> inputs() {
        List<Tensor> all = new ArrayList<>(List.of(query, key, value));
        add(all, pastKey, pastValue, keyLengths, queryOffsets, sinks);
        all.addAll(captures.values());
        return all;
    }

    @Override
    public List<Tensor> outputs() {
        List<Tensor> all = new ArrayList<>(List.of(output));
        add(all, logSumExp, scores);
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
