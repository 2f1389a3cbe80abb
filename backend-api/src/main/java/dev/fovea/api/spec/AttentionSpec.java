package dev.fovea.api.spec;

import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.ValueType;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Softmax attention over dense keys, forward.
 *
 * <pre>
 * Q [B, Hq, Sq, headDim], K [B, Hk, Sk, headDim], V [B, Hv, Sk, valueDim] -> O [B, Hq, Sq, valueDim]
 * s = score(cap(scale * q.k));  O = softmax(s where mask, else -inf; sink) V
 * </pre>
 *
 * Query head h reads key head {@code h / (Hq / Hk)} and value head {@code h / (Hq / Hv)}. A score of -inf counts as masked, however
 * it came about. Lengths, batch size, scale, scalars and the shapes of captured tensors are arguments of the run: none of
 * them compiles anything.
 *
 * @param storage type of Q, K, V, past and O
 * @param cap F32 over the score: what turns the raw stage into the capped one
 * @param score F32 over the score: what turns the capped stage into the final one
 * @param mask BOOL: whether the pair is visible
 * @param sink whether each query head has a sink logit that takes part in the softmax and carries no value
 * @param past whether earlier keys and values are given apart; key indices count them first
 * @param keyLengths whether a length per batch entry (and key head) cuts the keys, past ones counted
 * @param logSumExp whether the natural log-sum-exp of each row is an output [B, Hq, Sq], f32, sink included, -inf for an empty row
 * @param scores the stage of scores that is an output
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
        Optional<ScoreStage> scores)
        implements Primitive {

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
    }

    /** Captured tensors by name, with the type and rank that the loads declare. */
    public SortedMap<String, Capture> captures() {
        SortedMap<String, Capture> found = new TreeMap<>();
        visit(cap, found, new TreeMap<>());
        visit(score, found, new TreeMap<>());
        visit(mask, found, new TreeMap<>());
        return found;
    }

    /** Runtime scalars by name. */
    public SortedMap<String, ValueType> scalars() {
        SortedMap<String, ValueType> found = new TreeMap<>();
        visit(cap, new TreeMap<>(), found);
        visit(score, new TreeMap<>(), found);
        visit(mask, new TreeMap<>(), found);
        return found;
    }

    /** What a plan knows of a captured tensor; shape and strides are arguments of the run. */
    public record Capture(DType dtype, int rank) {}

    private static void visit(Expr e, SortedMap<String, Capture> captures, SortedMap<String, ValueType> scalars) {
        if (e instanceof Expr.Load load) {
            agree(
                    load.name(),
                    captures.put(
                            load.name(),
                            new Capture(load.dtype(), load.indices().size())),
                    captures);
        } else if (e instanceof Expr.Scalar scalar) {
            agree(scalar.name(), scalars.put(scalar.name(), scalar.type()), scalars);
        }
        e.operands().forEach(o -> visit(o, captures, scalars));
    }

    private static <T> void agree(String name, @Nullable T before, SortedMap<String, T> now) {
        if (before != null && !before.equals(now.get(name))) {
            throw new InvalidArgument(
                    name, "one declaration", before + " and " + now.get(name), "use another name for one");
        }
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

    private static void typed(String what, Expr e, ValueType type) {
        if (e.type() != type) {
            throw new InvalidArgument(what, type.name(), e.type().name(), "give an expression of that type");
        }
        if (e.nodeCount() > Expr.NODE_LIMIT) {
            throw new InvalidArgument(
                    what,
                    "at most " + Expr.NODE_LIMIT + " nodes",
                    e.nodeCount() + " nodes",
                    "put the constant part into a captured tensor");
        }
    }
}
