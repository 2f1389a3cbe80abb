package dev.fovea.api;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.ExprLeaves;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.QueryOffset;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Checks a run's arguments against its spec, once for all backends. */
final class AttentionCheck {
    private AttentionCheck() {}

    static void check(AttentionSpec spec, ExprLeaves leaves, AttentionArguments a) {
        KeySourceCheck.check(spec, a);
        long batch = a.batch();
        long rows = a.query().size(0);
        long queries = a.query().size(2);
        ArgumentCheck.contiguous(
                "q",
                ArgumentCheck.shape("q", a.query(), spec.storage(), rows, spec.queryHeads(), queries, spec.headDim()));
        ArgumentCheck.contiguous(
                "output",
                ArgumentCheck.shape(
                        "output", a.output(), spec.outputType(), rows, spec.queryHeads(), queries, spec.valueDim()));
        if (ArgumentCheck.present("past k", spec.past(), a.pastKey())
                && ArgumentCheck.present("past v", spec.past(), a.pastValue())) {
            past(spec, Objects.requireNonNull(a.pastKey()), Objects.requireNonNull(a.pastValue()), batch);
        }
        long keys = a.keys();
        if (queries > 1 << 29 || keys > 1 << 29) {
            throw new InvalidArgument(
                    "q, k", "at most 2^29 positions", queries + " queries, " + keys + " keys", "split the sequence");
        }
        if (!Float.isFinite(a.scale())) {
            throw new InvalidArgument("scale", "a finite number", "" + a.scale(), "1/sqrt(head dim) is usual");
        }
        if (ArgumentCheck.present("key lengths", spec.keyLengths(), a.keyLengths())) {
            perSequence("key lengths", a.keyLengths(), batch, spec.keyHeads(), 0, keys);
        }
        if (ArgumentCheck.present("query offsets", spec.offset() == QueryOffset.GIVEN, a.queryOffsets())) {
            perSequence("query offsets", a.queryOffsets(), batch, spec.keyHeads(), -(1 << 29), 1 << 29);
        }
        if (ArgumentCheck.present("sink", spec.sink(), a.sinks())) {
            ArgumentCheck.shape("sink", a.sinks(), DType.F32, spec.queryHeads());
        }
        rowNumbers("log-sum-exp", spec, spec.logSumExp(), a.logSumExp(), rows, queries);
        rowNumbers("maxima", spec, spec.partials(), a.maxima(), rows, queries);
        rowNumbers("sums", spec, spec.partials(), a.sums(), rows, queries);
        if (ArgumentCheck.present("scores", spec.scores().isPresent(), a.scores())) {
            ArgumentCheck.shape("scores", a.scores(), DType.F32, batch, spec.queryHeads(), queries, keys);
        }
        if (a.schedule() != null) {
            ScheduleCheck.check(spec, a, a.schedule());
        }
        names("captured tensors", leaves.captures().keySet(), a.captures().keySet());
        for (Map.Entry<String, ExprLeaves.Capture> e : leaves.captures().entrySet()) {
            Tensor t = Objects.requireNonNull(a.captures().get(e.getKey()));
            ArgumentCheck.rank(e.getKey(), t, e.getValue().rank());
            ArgumentCheck.dtype(e.getKey(), t, e.getValue().dtype());
            boolean empty = a.output().elementCount() == 0;
            if (t.elementCount() == 0 && !empty && (keys > 0 || loads(spec.output(), e.getKey()))) {
                throw new InvalidArgument(e.getKey(), "at least one element to load", t.toString(), "give it one");
            }
        }
        names("scalars", leaves.scalars().keySet(), a.scalars().keySet());
    }

    private static boolean loads(Expr e, String name) {
        return e instanceof Expr.Load load && load.name().equals(name)
                || e.operands().stream().anyMatch(o -> loads(o, name));
    }

    private static void past(AttentionSpec spec, Tensor key, Tensor value, long batch) {
        long n = ArgumentCheck.rank("past k", key, 4).size(2);
        ArgumentCheck.contiguous(
                "past k",
                ArgumentCheck.shape("past k", key, spec.storage(), batch, spec.keyHeads(), n, spec.headDim()));
        ArgumentCheck.contiguous(
                "past v",
                ArgumentCheck.shape("past v", value, spec.storage(), batch, spec.valueHeads(), n, spec.valueDim()));
    }

    private static void rowNumbers(
            String what, AttentionSpec spec, boolean wanted, @Nullable Tensor t, long rows, long queries) {
        if (ArgumentCheck.present(what, wanted, t)) {
            ArgumentCheck.shape(what, t, DType.F32, rows, spec.queryHeads(), queries);
        }
    }

    static void names(String what, Set<String> expected, Set<String> actual) {
        if (!expected.equals(actual)) {
            throw new InvalidArgument(what, "exactly " + expected, "" + actual, "the spec's expressions name them");
        }
    }

    private static void perSequence(
            String what, @Nullable Tensor tensor, long batch, long keyHeads, long least, long most) {
        Tensor t = Objects.requireNonNull(tensor);
        ArgumentCheck.dtype(what, t, DType.I32);
        boolean ok =
                t.rank() == 1 && t.size(0) == batch || t.rank() == 2 && t.size(0) == batch && t.size(1) == keyHeads;
        if (!ok) {
            throw new InvalidArgument(
                    what,
                    "shape [" + batch + "] or [" + batch + ", " + keyHeads + "]",
                    t.shapeText(),
                    "one number a sequence, or one a sequence and key head");
        }
        ArgumentCheck.range(what, t, least, most);
    }

    /** Keys that a mask speaks of: those beyond its last axis are masked, unless that axis broadcasts. */
    static int maskKeys(Tensor mask, long keys) {
        long last = mask.rank() == 0 ? 1 : mask.size(mask.rank() - 1);
        return Math.toIntExact(last == 1 ? keys : last);
    }

    /** A view of rank 4, stride 0 along broadcast axes; the last axis may be shorter than the keys. */
    static Tensor broadcast(String what, Tensor t, long[] pair) {
        long last = t.rank() == 0 ? 1 : t.size(t.rank() - 1);
        long[] sizes = pair.clone();
        if (last > 1 && last < pair[3]) {
            sizes[3] = last;
        }
        try {
            return t.broadcastTo(sizes);
        } catch (InvalidArgument e) {
            throw new InvalidArgument(
                    what,
                    "a shape that broadcasts right-aligned to [batch, query heads, queries, keys] = "
                            + Arrays.toString(pair),
                    t.shapeText(),
                    "each axis is 1 or equal; the last may be shorter, keys beyond it are masked");
        }
    }
}
