package dev.fovea.api;

import dev.fovea.api.FoveaException.InvalidArgument;
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

    static void check(Backend backend, AttentionSpec spec, AttentionArguments a) {
        for (Tensor t : a.inputs()) {
            onDevice(backend, t);
        }
        for (Tensor t : a.outputs()) {
            onDevice(backend, t);
            noOverlap(t, a);
        }
        long batch = rank("q", a.query(), 4).size(0);
        long queries = a.query().size(2);
        contiguous("q", shape("q", a.query(), spec.storage(), batch, spec.queryHeads(), queries, spec.headDim()));
        long fresh = rank("k", a.key(), 4).size(2);
        contiguous("k", shape("k", a.key(), spec.storage(), batch, spec.keyHeads(), fresh, spec.headDim()));
        contiguous("v", shape("v", a.value(), spec.storage(), batch, spec.valueHeads(), fresh, spec.valueDim()));
        contiguous(
                "output",
                shape("output", a.output(), spec.storage(), batch, spec.queryHeads(), queries, spec.valueDim()));
        long past = 0;
        if (present("past k", spec.past(), a.pastKey()) && present("past v", spec.past(), a.pastValue())) {
            Tensor pastKey = rank("past k", Objects.requireNonNull(a.pastKey()), 4);
            Tensor pastValue = Objects.requireNonNull(a.pastValue());
            past = pastKey.size(2);
            contiguous(
                    "past k", shape("past k", pastKey, spec.storage(), batch, spec.keyHeads(), past, spec.headDim()));
            contiguous(
                    "past v",
                    shape("past v", pastValue, spec.storage(), batch, spec.valueHeads(), past, spec.valueDim()));
        }
        long keys = past + fresh;
        if (queries > 1 << 29 || keys > 1 << 29) {
            throw new InvalidArgument(
                    "q, k", "at most 2^29 positions", queries + " queries, " + keys + " keys", "split the sequence");
        }
        if (!Float.isFinite(a.scale())) {
            throw new InvalidArgument("scale", "a finite number", "" + a.scale(), "1/sqrt(head dim) is usual");
        }
        if (present("key lengths", spec.keyLengths(), a.keyLengths())) {
            perSequence("key lengths", a.keyLengths(), batch, spec.keyHeads(), 0, keys);
        }
        if (present("query offsets", spec.offset() == QueryOffset.GIVEN, a.queryOffsets())) {
            perSequence("query offsets", a.queryOffsets(), batch, spec.keyHeads(), -(1 << 29), 1 << 29);
        }
        if (present("sink", spec.sink(), a.sinks())) {
            shape("sink", a.sinks(), DType.F32, spec.queryHeads());
        }
        if (present("log-sum-exp", spec.logSumExp(), a.logSumExp())) {
            shape("log-sum-exp", a.logSumExp(), DType.F32, batch, spec.queryHeads(), queries);
        }
        if (present("scores", spec.scores().isPresent(), a.scores())) {
            shape("scores", a.scores(), DType.F32, batch, spec.queryHeads(), queries, keys);
        }
        names("captured tensors", spec.captures().keySet(), a.captures().keySet());
        for (Map.Entry<String, AttentionSpec.Capture> e : spec.captures().entrySet()) {
            Tensor t = Objects.requireNonNull(a.captures().get(e.getKey()));
            rank(e.getKey(), t, e.getValue().rank());
            dtype(e.getKey(), t, e.getValue().dtype());
            boolean empty = a.output().elementCount() == 0 || keys == 0;
            if (t.elementCount() == 0 && !empty) {
                throw new InvalidArgument(e.getKey(), "at least one element to load", t.toString(), "give it one");
            }
        }
        names("scalars", spec.scalars().keySet(), a.scalars().keySet());
    }

    private static void onDevice(Backend backend, Tensor t) {
        t.checkOpen();
        if (t.backend() != backend) {
            throw new InvalidArgument(
                    "tensor " + t,
                    "a tensor of " + backend.info().id(),
                    "one of another backend on " + t.backend().info().id(),
                    "copy it over by copyOf; nothing migrates silently");
        }
    }

    /** Ranges of bytes decide, so that interleaved views are refused too. */
    private static void noOverlap(Tensor out, AttentionArguments a) {
        for (int i = 0; i < out.rank(); i++) {
            if (out.stride(i) == 0 && out.size(i) > 1) {
                throw new InvalidArgument(
                        "output", "strides above 0", "stride 0 on axis " + i, "outputs do not broadcast");
            }
        }
        for (Tensor in : a.inputs()) {
            overlapping(out, in, "an input");
        }
        for (Tensor other : a.outputs()) {
            if (other != out) {
                overlapping(out, other, "another output");
            }
        }
    }

    private static void overlapping(Tensor out, Tensor other, String what) {
        long width = out.dtype().bytes();
        long otherWidth = other.dtype().bytes();
        if (out.storage() == other.storage()
                && out.offset() * width < (other.offset() + other.span()) * otherWidth
                && other.offset() * otherWidth < (out.offset() + out.span()) * width) {
            throw new InvalidArgument(
                    "output " + out,
                    "memory of its own",
                    "memory that " + what + " " + other + " uses",
                    "allocate another");
        }
    }

    private static boolean present(String what, boolean wanted, @Nullable Tensor t) {
        if (wanted != (t != null)) {
            throw new InvalidArgument(
                    what,
                    wanted ? "a tensor, since the spec has it" : "none, since the spec has none",
                    t == null ? "none" : t.toString(),
                    "change the spec or the arguments");
        }
        return wanted;
    }

    private static void names(String what, Set<String> expected, Set<String> actual) {
        if (!expected.equals(actual)) {
            throw new InvalidArgument(what, "exactly " + expected, "" + actual, "the spec's expressions name them");
        }
    }

    private static void perSequence(
            String what, @Nullable Tensor tensor, long batch, long keyHeads, long least, long most) {
        Tensor t = Objects.requireNonNull(tensor);
        dtype(what, t, DType.I32);
        boolean ok =
                t.rank() == 1 && t.size(0) == batch || t.rank() == 2 && t.size(0) == batch && t.size(1) == keyHeads;
        if (!ok) {
            throw new InvalidArgument(
                    what,
                    "shape [" + batch + "] or [" + batch + ", " + keyHeads + "]",
                    t.shapeText(),
                    "one number a sequence, or one a sequence and key head");
        }
        Allocation values = t.allocation();
        if (t.elementCount() > 0 && (values.minInt > values.maxInt || values.minInt < least || values.maxInt > most)) {
            throw new InvalidArgument(
                    what,
                    "values from " + least + " to " + most,
                    values.minInt > values.maxInt ? "values never checked" : values.minInt + " to " + values.maxInt,
                    "make the tensor by copyOf(int[]) with values in that range");
        }
    }

    static Tensor rank(String what, Tensor t, int rank) {
        if (t.rank() != rank) {
            String axes = rank == 4 ? " [batch, heads, positions, head dim]" : "";
            throw new InvalidArgument(what, "rank " + rank + axes, t.shapeText(), "reshape it or take a view");
        }
        return t;
    }

    private static void dtype(String what, Tensor t, DType dtype) {
        if (t.dtype() != dtype) {
            throw new InvalidArgument(what, "dtype " + dtype, t.dtype().name(), "convert it");
        }
    }

    static Tensor shape(String what, @Nullable Tensor tensor, DType dtype, long... expected) {
        Tensor t = Objects.requireNonNull(tensor);
        dtype(what, t, dtype);
        if (!Arrays.equals(t.shape(), expected)) {
            throw new InvalidArgument(
                    what,
                    "shape " + Arrays.toString(expected),
                    t.shapeText(),
                    "batch, heads and positions of q, k, v and the outputs must match");
        }
        return t;
    }

    private static void contiguous(String what, Tensor t) {
        if (t.stride(3) != 1 && t.size(3) > 1) {
            throw new InvalidArgument(
                    what,
                    "stride 1 along the head dim",
                    "stride " + t.stride(3),
                    "copy it so that a head's vector is dense");
        }
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
