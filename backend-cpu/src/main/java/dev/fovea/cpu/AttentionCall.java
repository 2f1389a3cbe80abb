package dev.fovea.cpu;

import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.KeyBand;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
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
    final int queries;
    final int pastKeys;

    /** All keys of a sequence, before lengths. */
    final int keys;

    final Rows query;
    final Rows key;
    final Rows value;
    final Rows output;
    final @Nullable Rows pastKey;
    final @Nullable Rows pastValue;
    final @Nullable Rows logSumExp;

    final @Nullable Rows rowMaxima;
    final @Nullable Rows rowSums;

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

    private final int[] lengths;
    private final int[] offsets;

    AttentionCall(AttentionSpec spec, AttentionArguments a) {
        this.spec = spec;
        this.scale = a.scale();
        this.batch = Math.toIntExact(a.batch());
        this.queries = Math.toIntExact(a.queries());
        this.pastKeys = Math.toIntExact(a.pastKeys());
        this.keys = Math.toIntExact(a.keys());
        this.query = Rows.of(a.query());
        this.key = Rows.of(a.key());
        this.value = Rows.of(a.value());
        this.output = Rows.of(a.output());
        this.pastKey = rows(a.pastKey());
        this.pastValue = rows(a.pastValue());
        this.logSumExp = rows(a.logSumExp());
        this.rowMaxima = rows(a.maxima());
        this.rowSums = rows(a.sums());
        this.scores = rows(a.scores());
        this.stage = spec.scores().orElse(null);
        this.sinks = sinks(spec, a.sinks());
        this.scalars = a.scalars();
        this.band = KeyBand.of(spec.mask(), scalars);
        Map<String, Capture> bound = new HashMap<>();
        a.captures().forEach((name, tensor) -> bound.put(name, Capture.of(tensor)));
        this.captures = Map.copyOf(bound);
        this.bounds = band.exact() ? Map.of() : bounds();
        this.groupHeads = groupHeads(spec);
        this.lengths = perSequence(a.keyLengths(), keys);
        this.offsets = switch (spec.offset()) {
            case TOP_LEFT -> perSequence(null, 0);
            case PAST -> perSequence(null, pastKeys);
            case GIVEN -> perSequence(a.queryOffsets(), 0);
            case BOTTOM_RIGHT -> {
                int[] all = lengths.clone();
                for (int i = 0; i < all.length; i++) {
                    all[i] -= queries;
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

    /** Rows of a group. */
    long rows() {
        return (long) queries * groupHeads;
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
