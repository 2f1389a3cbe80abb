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
 * @param source what a key source beyond the plain one needs; K, V and Q then have the shapes that it says
 * @param maxima F32 [B, Hq, Sq], written: row maxima of partials
 * @param sums F32 [B, Hq, Sq], written: row sums of partials
 * @param schedule the work of this step as the plan cut it; null: cut anew by the run
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
        Map<String, Number> scalars,
        KeyArguments source,
        @Nullable Tensor maxima,
        @Nullable Tensor sums,
        @Nullable Schedule schedule)
        implements Arguments {

    public AttentionArguments {
        captures = Map.copyOf(captures);
        scalars = Map.copyOf(scalars);
    }

    /** Dense keys, no partials. */
    public AttentionArguments(
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
            Map<String, Number> scalars) {
        this(
                query,
                key,
                value,
                output,
                scale,
                pastKey,
                pastValue,
                keyLengths,
                queryOffsets,
                sinks,
                logSumExp,
                scores,
                captures,
                scalars,
                KeyArguments.NONE,
                null,
                null,
                null);
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

    public AttentionArguments with(KeyArguments other) {
        return copy(keyLengths, captures, scalars, other, maxima, sums, schedule);
    }

    public AttentionArguments withKeyLengths(Tensor lengths) {
        return copy(lengths, captures, scalars, source, maxima, sums, schedule);
    }

    public AttentionArguments withExpressions(Map<String, Tensor> tensors, Map<String, Number> numbers) {
        return copy(keyLengths, tensors, numbers, source, maxima, sums, schedule);
    }

    public AttentionArguments withPartials(Tensor rowMaxima, Tensor rowSums) {
        return copy(keyLengths, captures, scalars, source, rowMaxima, rowSums, schedule);
    }

    public AttentionArguments with(Schedule other) {
        return copy(keyLengths, captures, scalars, source, maxima, sums, other);
    }

    private AttentionArguments copy(
            @Nullable Tensor lengths,
            Map<String, Tensor> tensors,
            Map<String, Number> numbers,
            KeyArguments keySource,
            @Nullable Tensor rowMaxima,
            @Nullable Tensor rowSums,
            @Nullable Schedule cut) {
        return new AttentionArguments(
                query,
                key,
                value,
                output,
                scale,
                pastKey,
                pastValue,
                lengths,
                queryOffsets,
                sinks,
                logSumExp,
                scores,
                tensors,
                numbers,
                keySource,
                rowMaxima,
                rowSums,
                cut);
    }

    /** Sequences. */
    public long batch() {
        if (source.queryStarts() != null) {
            return source.queryStarts().size(0) - 1;
        }
        return query.size(0);
    }

    /** Queries of the longest sequence. */
    public long queries() {
        return source.queryStarts() != null ? source.queryStarts().facts().largestStep() : query.size(2);
    }

    public long pastKeys() {
        return pastKey == null ? 0 : pastKey.size(2);
    }

    /** The most keys that a sequence can have before any length cuts them: past and new. */
    public long keys() {
        Tensor table = source.pageTable();
        if (table != null) {
            return table.size(table.rank() - 1) * key.size(2);
        }
        if (source.keyStarts() != null) {
            return source.keyStarts().facts().largestStep();
        }
        return pastKeys() + key.size(2);
    }

    @Override
    public List<Tensor> inputs() {
        List<Tensor> all = new ArrayList<>(List.of(query, key, value));
        add(all, pastKey, pastValue, keyLengths, queryOffsets, sinks);
        all.addAll(captures.values());
        all.addAll(source.tensors());
        return all;
    }

    @Override
    public List<Tensor> outputs() {
        List<Tensor> all = new ArrayList<>(List.of(output));
        add(all, logSumExp, scores, maxima, sums);
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
