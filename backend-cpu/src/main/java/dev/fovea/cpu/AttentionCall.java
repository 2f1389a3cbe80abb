package dev.fovea.cpu;

import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.KeyBand;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeyArguments.Selected;
import dev.fovea.api.spec.ScoreStage;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One run with everything that its blocks share, bound to memory and read only. Query heads that read the same key and value head
 * form a group; the rows of a group are its (query, head) pairs, heads fastest, so that few queries of many heads still fill a tile.
 */
final class AttentionCall {
    /** Elements of a captured tensor for each query and key of a head, up to which its bounds are worth their time. */
    private static final long BOUNDS_LIMIT = 4;

    final AttentionSpec spec;
    final float scale;
    final int batch;

    /** The most keys of a sequence, before lengths. */
    final int keys;

    final Rows query;
    final KeyStore store;
    final Rows output;
    final @Nullable Rows logSumExp;

    final @Nullable Rows rowMaxima;
    final @Nullable Rows rowSums;

    /** Position of each key index, where it is not the index. */
    final @Nullable Strided keyPositions;

    /** What queries and keys go through once they are loaded. */
    final @Nullable RowTurn turn;

    final @Nullable KeySelection selection;

    /** Written row by row over the keys. */
    final @Nullable Rows scores;

    final @Nullable ScoreStage stage;
    final float @Nullable [] sinks;
    final KeyBand band;
    final Map<String, Number> scalars;
    final Map<String, Capture> captures;

    /** Of the captured tensors that the mask looks at and that are small beside the work, by name. */
    final Map<String, CaptureBounds> bounds;

    /** Query heads of a group. */
    final int groupHeads;

    private final boolean positionsPerHead;
    private final int queries;
    private final int[] queryStarts;
    private final int[] lengths;
    private final int[] offsets;

    AttentionCall(AttentionSpec spec, AttentionArguments a) {
        this.spec = spec;
        this.scale = a.scale();
        this.batch = Math.toIntExact(a.batch());
        this.queries = Math.toIntExact(a.queries());
        this.queryStarts = KeyStore.starts(a.source().queryStarts());
        this.keys = Math.toIntExact(a.keys());
        this.query = Rows.of(a.query());
        this.store = new KeyStore(spec, a);
        this.output = Rows.of(a.output());
        this.logSumExp = rows(a.logSumExp());
        this.rowMaxima = rows(a.maxima());
        this.rowSums = rows(a.sums());
        this.scores = rows(a.scores());
        this.stage = spec.scores().orElse(null);
        this.sinks = sinks(spec, a.sinks());
        this.scalars = a.scalars();
        Tensor positions = a.source().keyPositions();
        this.keyPositions = positions == null ? null : Strided.of(positions);
        this.positionsPerHead = positions != null && positions.rank() == 3;
        this.turn = RowTurn.of(spec, a.source());
        Selected selected = a.source().selected();
        this.selection = selected == null ? null : new KeySelection(spec, selected);
        this.band = AttentionPrograms.usesBand(spec)
                ? KeyBand.of(spec.mask(), scalars)
                : new KeyBand(KeyBand.UNLIMITED, KeyBand.UNLIMITED, false);
        Map<String, Capture> bound = new HashMap<>();
        a.captures().forEach((name, tensor) -> bound.put(name, Capture.of(tensor)));
        this.captures = Map.copyOf(bound);
        this.groupHeads = selection != null && selection.perQueryHead ? 1 : groupHeads(spec);
        this.lengths = lengths(a);
        this.bounds = band.exact() ? Map.of() : bounds();
        this.offsets = switch (spec.offset()) {
            case TOP_LEFT -> perSequence(null, 0);
            case PAST -> perSequence(null, Math.toIntExact(a.pastKeys()));
            case GIVEN -> perSequence(a.queryOffsets(), 0);
            case BOTTOM_RIGHT -> {
                int[] all = lengths.clone();
                for (int i = 0; i < all.length; i++) {
                    all[i] -= queries(i / spec.keyHeads());
                }
                yield all;
            }
        };
    }

    private Map<String, CaptureBounds> bounds() {
        Map<String, CaptureBounds> all = new HashMap<>();
        long limit = BOUNDS_LIMIT * batch * spec.queryHeads() * ((long) queries + keys);
        loads(spec.mask(), name -> {
            Capture capture = Objects.requireNonNull(captures.get(name));
            CaptureBounds found = all.containsKey(name) || !capture.isWhole() ? null : CaptureBounds.of(capture, limit);
            if (found != null) {
                all.put(name, found);
            }
        });
        return Map.copyOf(all);
    }

    private static void loads(Expr e, Consumer<String> found) {
        if (e instanceof Expr.Load load) {
            found.accept(load.name());
        }
        e.operands().forEach(o -> loads(o, found));
    }

    /** Consecutive query heads that share key and value head. */
    static int groupHeads(AttentionSpec spec) {
        int a = spec.queryHeads() / spec.keyHeads();
        int b = spec.queryHeads() / spec.valueHeads();
        while (b != 0) {
            int rest = a % b;
            a = b;
            b = rest;
        }
        return a;
    }

    int groups() {
        return spec.queryHeads() / groupHeads;
    }

    /** Queries of a sequence. */
    int queries(int b) {
        return queryStarts.length == 0 ? queries : queryStarts[b + 1] - queryStarts[b];
    }

    /** Rows of a group in a sequence. */
    long rows(int b) {
        return (long) queries(b) * groupHeads;
    }

    /** Entry of the batch axis of queries and outputs that holds a sequence. */
    int outer(int b) {
        return queryStarts.length == 0 ? b : 0;
    }

    /** Place of the sequence's first query in there. */
    int firstQuery(int b) {
        return queryStarts.length == 0 ? 0 : queryStarts[b];
    }

    /** What {@code kpos} is for a key. */
    int keyPosition(int b, int keyHead, int key) {
        Strided p = keyPositions;
        return p == null ? key : positionsPerHead ? p.intAt(b, keyHead, key, 0) : p.intAt(b, key, 0, 0);
    }

    int keyHead(int group) {
        return group * groupHeads / (spec.queryHeads() / spec.keyHeads());
    }

    int valueHead(int group) {
        return group * groupHeads / (spec.queryHeads() / spec.valueHeads());
    }

    int keyLength(int b, int keyHead) {
        return lengths[b * spec.keyHeads() + keyHead];
    }

    int queryOffset(int b, int keyHead) {
        return offsets[b * spec.keyHeads() + keyHead];
    }

    private static @Nullable Rows rows(@Nullable Tensor t) {
        return t == null ? null : Rows.of(t);
    }

    private int[] lengths(AttentionArguments a) {
        int[] all = perSequence(a.keyLengths(), keys);
        if (a.source().keyStarts() != null) {
            for (int i = 0; i < all.length; i++) {
                all[i] = store.raggedLength(i / spec.keyHeads());
            }
        }
        return all;
    }

    private int[] perSequence(@Nullable Tensor t, int otherwise) {
        int heads = spec.keyHeads();
        int[] all = new int[batch * heads];
        for (int i = 0; i < all.length; i++) {
            all[i] = otherwise;
            if (t != null) {
                long at = i / heads * t.stride(0) + (t.rank() == 2 ? i % heads * t.stride(1) : 0);
                all[i] = memory(t).getAtIndex(ValueLayout.JAVA_INT, t.offset() + at);
            }
        }
        return all;
    }

    private static float @Nullable [] sinks(AttentionSpec spec, @Nullable Tensor t) {
        if (t == null) {
            return null;
        }
        float[] all = new float[spec.queryHeads()];
        for (int h = 0; h < all.length; h++) {
            all[h] = memory(t).getAtIndex(ValueLayout.JAVA_FLOAT, t.offset() + h * t.stride(0));
        }
        return all;
    }

    private static MemorySegment memory(Tensor t) {
        return ((CpuStorage) t.storage()).segment();
    }
}
