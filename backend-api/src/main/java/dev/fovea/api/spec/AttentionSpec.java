package dev.fovea.api.spec;

import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expr.ValueKind;
import dev.fovea.api.expr.ExprLeaves;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.Linearity;
import dev.fovea.api.expr.ValueType;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;

/**
 * Attention of the softmax family, forward.
 *
 * <pre>
 * Q [B, Hq, Sq, headDim], K [B, Hk, Sk, headDim], V [B, Hv, Sk, valueDim] -> O [B, Hq, Sq, valueDim]
 * s = score(cap(scale * q.k));  w = probability(normaliser(s where mask, else -inf; sink));  O = output(w V)
 * </pre>
 *
 * Query head h reads key head {@code h / (Hq / Hk)} and value head {@code h / (Hq / Hv)}. A score of -inf counts as masked, however
 * it came about. Lengths, batch size, scale, scalars and the shapes of captured tensors are arguments of the run: none of
 * them compiles anything.
 *
 * @param storage type of Q, past and O, and of K and V unless the key source has another format
 * @param cap F32 over the score: what turns the raw stage into the capped one
 * @param score F32 over the score: what turns the capped stage into the final one
 * @param mask BOOL: whether the pair is visible
 * @param sink whether each query head has a sink logit that takes part in the softmax and carries no value
 * @param past whether earlier keys and values are given apart; key indices count them first
 * @param keyLengths whether a length per batch entry (and key head) cuts the keys, past ones counted
 * @param logSumExp whether the natural log-sum-exp of each row is an output [B, Hq, Sq], f32, sink included, -inf for an empty row;
 *     softmax only
 * @param scores the stage of scores that is an output; dense keys only
 * @param probability F32 over the probability and the score: the weight of a value. Over softmax and L1 it takes a second pass over the
 *     keys unless it is a factor times the probability
 * @param output F32 over the output: applied to each element before rounding
 * @param partials whether O, then F32, is the accumulator that {@link MergeSpec} takes, with row maxima and sums beside it, no sink in
 *     them: m = max s, l = sum exp(s - m), acc = sum exp(s - m) w(v); for L1 and IDENTITY m = 0, l = sum |s|
 */
public record AttentionSpec(
        DType storage,
        int headDim,
        int valueDim,
        int queryHeads,
        int keyHeads,
        int valueHeads,
        Expr cap,
        Expr score,
        Expr mask,
        QueryOffset offset,
        boolean sink,
        boolean past,
        boolean keyLengths,
        boolean logSumExp,
        Optional<ScoreStage> scores,
        Normaliser normaliser,
        Expr probability,
        Expr output,
        KeySource source,
        boolean partials)
        implements Primitive<AttentionArguments> {

    /** Softmax over dense keys. */
    public AttentionSpec(
            DType storage,
            int headDim,
            int valueDim,
            int queryHeads,
            int keyHeads,
            int valueHeads,
            Expr cap,
            Expr score,
            Expr mask,
            QueryOffset offset,
            boolean sink,
            boolean past,
            boolean keyLengths,
            boolean logSumExp,
            Optional<ScoreStage> scores) {
        this(
                storage,
                headDim,
                valueDim,
                queryHeads,
                keyHeads,
                valueHeads,
                cap,
                score,
                mask,
                offset,
                sink,
                past,
                keyLengths,
                logSumExp,
                scores,
                Normaliser.SOFTMAX,
                Expressions.probability(),
                Expressions.output(),
                KeySource.dense(storage.isFloat() ? storage : DType.F32),
                false);
    }

    public AttentionSpec {
        if (!storage.isFloat()) {
            throw new InvalidArgument("q", "dtype F32, F16 or BF16", storage.name(), "convert it to one of these");
        }
        positive("head dim of q and k", headDim);
        positive("head dim of v", valueDim);
        positive("query heads", queryHeads);
        groups("k", queryHeads, keyHeads);
        groups("v", queryHeads, valueHeads);
        typed("cap expression", cap, ValueType.F32);
        typed("score expression", score, ValueType.F32);
        typed("mask expression", mask, ValueType.BOOL);
        typed("probability expression", probability, ValueType.F32);
        typed("output expression", output, ValueType.F32);
        leaves("cap expression", cap, Set.of(ValueKind.SCORE));
        leaves("score expression", score, Set.of(ValueKind.SCORE));
        leaves("mask expression", mask, Set.of());
        leaves("probability expression", probability, Set.of(ValueKind.PROBABILITY, ValueKind.SCORE));
        leaves("output expression", output, Set.of(ValueKind.OUTPUT));
        if (normaliser != Normaliser.SOFTMAX && (sink || logSumExp)) {
            throw new InvalidArgument(
                    "normaliser", "softmax with a sink or a log-sum-exp", normaliser.name(), "leave them out");
        }
        if (partials) {
            partial(normaliser, sink, logSumExp, scores, probability, output);
        }
        boolean plain = source.isDense();
        if (!plain && (past || scores.isPresent())) {
            throw new InvalidArgument(
                    "key source", "dense keys with past keys or a scores output", source.toString(), "leave them out");
        }
        if (past && source.format() != KvFormat.of(storage)) {
            throw new InvalidArgument(
                    "past k", "keys in the type of q", source.format().name(), "append to the cache instead");
        }
        if (source.layout() == KeySource.Layout.PAGED && !keyLengths) {
            throw new InvalidArgument("key lengths", "lengths with paged keys", "none", "give them");
        }
        source.rotary().ifPresent(r -> {
            if (r.dim() < 2 || r.dim() % 2 != 0 || r.dim() > headDim) {
                throw new InvalidArgument(
                        "rotary dim",
                        "an even number from 2 to " + headDim,
                        "" + r.dim(),
                        "a partial one leaves the rest");
            }
        });
        if (source.layout() == KeySource.Layout.RAGGED && keyLengths) {
            throw new InvalidArgument(
                    "key lengths", "none with ragged keys", "lengths", "the starts say how many keys there are");
        }
    }

    private static void partial(
            Normaliser normaliser,
            boolean sink,
            boolean logSumExp,
            Optional<ScoreStage> scores,
            Expr probability,
            Expr output) {
        if (sink || logSumExp || scores.isPresent() || !output.equals(Expressions.output())) {
            throw new InvalidArgument(
                    "partials",
                    "no sink, log-sum-exp, scores or output expression",
                    "one of them",
                    "the merge has them");
        }
        if (normaliser != Normaliser.IDENTITY && !Linearity.isLinear(probability)) {
            throw new InvalidArgument(
                    "probability expression",
                    "a factor times p, with partials",
                    probability.text(),
                    "it needs the sum over all keys: run without partials");
        }
    }

    public AttentionSpec with(Normaliser other) {
        return copy(other, probability, output, source, partials);
    }

    public AttentionSpec with(KeySource other) {
        return copy(normaliser, probability, output, other, partials);
    }

    public AttentionSpec withProbability(Expr other) {
        return copy(normaliser, other, output, source, partials);
    }

    public AttentionSpec withOutput(Expr other) {
        return copy(normaliser, probability, other, source, partials);
    }

    public AttentionSpec withPartials() {
        return copy(normaliser, probability, output, source, true);
    }

    private AttentionSpec copy(Normaliser n, Expr w, Expr o, KeySource s, boolean partial) {
        return new AttentionSpec(
                storage,
                headDim,
                valueDim,
                queryHeads,
                keyHeads,
                valueHeads,
                cap,
                score,
                mask,
                offset,
                sink,
                past,
                keyLengths,
                logSumExp,
                scores,
                n,
                w,
                o,
                s,
                partial);
    }

    /** Type of the output tensor. */
    public DType outputType() {
        return partials ? DType.F32 : storage;
    }

    /** Whether the weights are known only when all keys have been seen, so that a second pass is needed. */
    public boolean twoPasses() {
        return normaliser != Normaliser.IDENTITY && !Linearity.isLinear(probability);
    }

    /** What the expressions need from a run; found anew at each call. */
    public ExprLeaves leaves() {
        return ExprLeaves.of(cap, score, mask, probability, output);
    }

    /** Captured tensors by name, with the type and rank that the loads declare. */
    public SortedMap<String, ExprLeaves.Capture> captures() {
        return leaves().captures();
    }

    /** Runtime scalars by name. */
    public SortedMap<String, ValueType> scalars() {
        return leaves().scalars();
    }

    private static void positive(String what, int n) {
        if (n < 1) {
            throw new InvalidArgument(what, "at least 1", Integer.toString(n), "give tensors with that axis not empty");
        }
    }

    private static void groups(String tensor, int queryHeads, int heads) {
        if (heads < 1 || queryHeads % heads != 0) {
            throw new InvalidArgument(
                    tensor,
                    "a number of heads that divides the query's " + queryHeads,
                    Integer.toString(heads),
                    "query heads share key and value heads in equal groups");
        }
    }

    private static void leaves(String what, Expr e, Set<ValueKind> allowed) {
        for (ValueKind kind : ValueKind.values()) {
            if (e.uses(kind) && !allowed.contains(kind)) {
                throw new InvalidArgument(
                        what,
                        "no use of " + kind.name().toLowerCase(Locale.ROOT),
                        e.text(),
                        "see the order of the stages");
            }
        }
        boolean output = allowed.contains(ValueKind.OUTPUT);
        for (IndexKind kind : IndexKind.values()) {
            boolean ofKey = kind == IndexKind.KEY || kind == IndexKind.KEY_POSITION;
            if (e.uses(kind) && (output ? ofKey : kind == IndexKind.CHANNEL)) {
                throw new InvalidArgument(
                        what,
                        output ? "no key index: all keys are summed up" : "no column index: only outputs have columns",
                        e.text(),
                        "leave it out");
            }
        }
    }

    private static void typed(String what, Expr e, ValueType type) {
        if (e.type() != type) {
            throw new InvalidArgument(what, type.name(), e.type().name(), "give an expression of that type");
        }
        ExprLeaves.checkSize(what, e);
    }
}
