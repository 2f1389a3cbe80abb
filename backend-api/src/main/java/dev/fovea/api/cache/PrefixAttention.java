package dev.fovea.api.cache;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeyArguments;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.MergeArguments;
import dev.fovea.api.spec.MergeSpec;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spec.TransferArguments;
import dev.fovea.api.spec.TransferSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Softmax attention over sequences of a cache that share pages: the pages of a shared prefix are read once for the queries of all
 * sequences that have it, level by level of the tree that forks made, and the levels are merged by log-sum-exp, the root first and a
 * sequence's own keys last. The tree is found in the page tables; whatever is not shared costs what plain attention costs.
 *
 * <p>Queries are the last ones of their sequence and see all shared keys, so that a mask by position other than causal needs plain
 * attention. Made for one step; whoever makes it closes it.
 */
public final class PrefixAttention implements AutoCloseable {
    private final Backend backend;
    private final CacheShape shape;
    private final CacheRows keys;
    private final CacheRows values;
    private final int rows;
    private final boolean reordered;
    private final int[] toPlace;
    private final List<Level> levels = new ArrayList<>();
    private final List<Tensor> owned = new ArrayList<>();

    /** One level's tables; the queries of a node are one sequence of packed queries. */
    private record Level(
            Tensor queryStarts,
            Tensor pageTable,
            Tensor lengths,
            @Nullable Tensor positions,
            @Nullable Tensor queryOffsets) {}

    /** A part of the keys that the queries of neighbouring places see. */
    private record Part(int firstPlace, int endPlace, Slots slots, int fromPage, int keys) {}

    PrefixAttention(
            Backend backend,
            CacheShape shape,
            CacheRows keys,
            CacheRows values,
            List<KvSequence> sequences,
            int[] queries) {
        if (shape.perHead()) {
            throw new Unsupported("prefixes are shared by all heads at once", "use plain attention with head tables");
        }
        this.backend = backend;
        this.shape = shape;
        this.keys = keys;
        this.values = values;
        this.rows = Arrays.stream(queries).sum();
        List<Slots> slots = sequences.stream().map(s -> s.slots()[0]).toList();
        PrefixLevels tree = PrefixLevels.of(IntStream.range(0, queries.length)
                .mapToObj(i -> shareable(slots.get(i), queries[i]))
                .toArray(int[][]::new));
        int[] order = tree.order();
        int[] starts = new int[order.length + 1];
        for (int i = 0; i < order.length; i++) {
            starts[i + 1] = starts[i] + queries[order[i]];
        }
        this.toPlace = places(order, starts, queries);
        this.reordered = IntStream.range(0, order.length).anyMatch(i -> order[i] != i);
        try {
            for (List<PrefixLevels.Node> level : tree.levels()) {
                levels.add(shared(level, order, slots, starts));
            }
            levels.add(own(tree, slots, starts));
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Pages that end before the first query: full, and seen whole by each query. */
    private int[] shareable(Slots slots, int queries) {
        if (queries < 0 || queries > slots.nextPosition()) {
            throw new InvalidArgument(
                    "queries",
                    "from 0 to the " + slots.nextPosition() + " positions of the sequence",
                    "" + queries,
                    "queries are the last of their sequence");
        }
        int first = slots.nextPosition() - queries;
        int pages = slots.length() / shape.pageSize();
        while (pages > 0 && slots.position(pages * shape.pageSize() - 1) > first) {
            pages--;
        }
        return Arrays.copyOf(slots.pages(), pages);
    }

    /** For each row in the order of places, the row of the caller. */
    private static int[] places(int[] order, int[] starts, int[] queries) {
        int[] callerStarts = new int[order.length + 1];
        for (int i = 0; i < order.length; i++) {
            callerStarts[i + 1] = callerStarts[i] + queries[i];
        }
        int[] rows = new int[starts[order.length]];
        for (int place = 0; place < order.length; place++) {
            for (int i = starts[place]; i < starts[place + 1]; i++) {
                rows[i] = callerStarts[order[place]] + i - starts[place];
            }
        }
        return rows;
    }

    private Level shared(List<PrefixLevels.Node> nodes, int[] order, List<Slots> slots, int[] starts) {
        List<Part> parts = new ArrayList<>();
        int place = 0;
        for (PrefixLevels.Node n : nodes) {
            if (n.first() > place) {
                parts.add(new Part(place, n.first(), Slots.EMPTY, 0, 0)); // they share nothing on this level
            }
            int count = (n.to() - n.from()) * shape.pageSize();
            parts.add(new Part(n.first(), n.end(), slots.get(order[n.first()]), n.from(), count));
            place = n.end();
        }
        if (place < order.length) {
            parts.add(new Part(place, order.length, Slots.EMPTY, 0, 0));
        }
        return level(parts, starts, null, null);
    }

    private Level own(PrefixLevels tree, List<Slots> slots, int[] starts) {
        List<Part> parts = new ArrayList<>();
        int[] offsets = new int[tree.order().length];
        for (int place = 0; place < offsets.length; place++) {
            Slots s = slots.get(tree.order()[place]);
            int from = tree.ownFrom()[place];
            parts.add(new Part(place, place + 1, s, from, s.length() - from * shape.pageSize()));
            offsets[place] = s.nextPosition() - (starts[place + 1] - starts[place]);
        }
        int width = width(parts) * shape.pageSize();
        int[] positions = new int[parts.size() * width];
        for (int i = 0; i < parts.size(); i++) {
            Part p = parts.get(i);
            for (int k = 0; k < p.keys(); k++) {
                positions[i * width + k] = p.slots().position(p.fromPage() * shape.pageSize() + k);
            }
        }
        return level(
                parts,
                starts,
                keep(backend.copyOf(positions, parts.size(), width)),
                keep(backend.copyOf(offsets, offsets.length)));
    }

    private int width(List<Part> parts) {
        return Math.max(
                1,
                parts.stream()
                        .mapToInt(p -> Math.ceilDiv(p.keys(), shape.pageSize()))
                        .max()
                        .orElse(1));
    }

    private Level level(List<Part> parts, int[] starts, @Nullable Tensor positions, @Nullable Tensor offsets) {
        int width = width(parts);
        int[] cut = new int[parts.size() + 1];
        int[] table = new int[parts.size() * width];
        int[] lengths = new int[parts.size()];
        for (int i = 0; i < parts.size(); i++) {
            Part p = parts.get(i);
            cut[i + 1] = starts[p.endPlace()];
            lengths[i] = p.keys();
            int pages = Math.ceilDiv(p.keys(), shape.pageSize());
            System.arraycopy(p.slots().pages(), p.fromPage(), table, i * width, pages);
        }
        return new Level(
                keep(backend.copyOf(cut, cut.length)),
                keep(backend.copyOf(table, parts.size(), width)),
                keep(backend.copyOf(lengths, lengths.length)),
                positions,
                offsets);
    }

    private Tensor keep(Tensor tensor) {
        owned.add(tensor);
        return tensor;
    }

    /** Parts that are merged: the levels of the tree and the keys of the sequences' own. */
    public int parts() {
        return levels.size();
    }

    /**
     * Computes the attention.
     *
     * @param query [1, Hq, T, keyDim], the queries of the sequences one after another
     * @param output [1, Hq, T, valueDim]
     * @param scale factor of the dot products
     * @param causal whether a query sees the keys up to its own position only
     */
    public void run(Tensor query, Tensor output, float scale, boolean causal) {
        run(query, output, scale, causal, null, null);
    }

    /**
     * As {@link #run(Tensor, Tensor, float, boolean)}, with more.
     *
     * @param sinks F32 [Hq], natural units
     * @param logSumExp F32 [1, Hq, T], written, the sink counted
     */
    public void run(
            Tensor query,
            Tensor output,
            float scale,
            boolean causal,
            @Nullable Tensor sinks,
            @Nullable Tensor logSumExp) {
        if (query.rank() != 4 || query.size(0) != 1 || query.size(2) != rows) {
            throw new InvalidArgument(
                    "query",
                    "shape [1, heads, " + rows + ", dim]",
                    query.toString(),
                    "pack the queries of all sequences");
        }
        if (rows == 0) {
            return;
        }
        long heads = query.size(1);
        if (!reordered) {
            parts(query, output, scale, causal, sinks, logSumExp);
            return;
        }
        int[] straight = IntStream.range(0, rows).toArray();
        try (Tensor q = backend.allocate(query.dtype(), 1, heads, rows, shape.keyDim());
                Tensor o = backend.allocate(output.dtype(), 1, heads, rows, shape.valueDim());
                Tensor lse = backend.allocate(DType.F32, 1, heads, logSumExp == null ? 0 : rows);
                Tensor place = backend.copyOf(straight, rows);
                Tensor caller = backend.copyOf(toPlace, rows)) {
            move(query, caller, q, place, shape.keyDim());
            parts(q, o, scale, causal, sinks, logSumExp == null ? null : lse);
            move(o, place, output, caller, shape.valueDim());
            if (logSumExp != null) {
                try (Tensor from = lse.splitLast(1);
                        Tensor to = logSumExp.splitLast(1)) {
                    move(from, place, to, caller, 1);
                }
            }
        }
    }

    private void move(Tensor from, Tensor fromRows, Tensor to, Tensor toRows, int dim) {
        KvFormat format = KvFormat.of(from.dtype());
        backend.run(
                new TransferSpec(format, KvFormat.of(to.dtype()), dim, Math.toIntExact(from.size(1))),
                new TransferArguments(from, null, null, to, null, null, fromRows, toRows));
    }

    private void parts(
            Tensor query,
            Tensor output,
            float scale,
            boolean causal,
            @Nullable Tensor sinks,
            @Nullable Tensor logSumExp) {
        int n = levels.size();
        long heads = query.size(1);
        try (Tensor acc = backend.allocate(DType.F32, n, heads, rows, shape.valueDim());
                Tensor maxima = backend.allocate(DType.F32, n, heads, rows);
                Tensor sums = backend.allocate(DType.F32, n, heads, rows)) {
            for (int i = 0; i < n; i++) {
                try (Tensor a = acc.slice(0, i, i + 1);
                        Tensor m = maxima.slice(0, i, i + 1);
                        Tensor l = sums.slice(0, i, i + 1)) {
                    Level level = levels.get(i);
                    backend.run(spec(query, level, causal), arguments(query, level, scale, a, m, l));
                }
            }
            try (Tensor a5 = acc.broadcastTo(1, n, heads, rows, shape.valueDim());
                    Tensor a = a5.permute(1, 0, 2, 3, 4);
                    Tensor m4 = maxima.broadcastTo(1, n, heads, rows);
                    Tensor m = m4.permute(1, 0, 2, 3);
                    Tensor l4 = sums.broadcastTo(1, n, heads, rows);
                    Tensor l = l4.permute(1, 0, 2, 3)) {
                backend.run(
                        new MergeSpec(
                                output.dtype(),
                                shape.valueDim(),
                                MergeSpec.Rule.LOG_SUM_EXP,
                                sinks != null,
                                logSumExp != null),
                        new MergeArguments(m, l, a, null, sinks, output, logSumExp));
            }
        }
    }

    private AttentionSpec spec(Tensor query, Level level, boolean causal) {
        boolean own = level.positions() != null;
        KeySource source = new KeySource(true, KeySource.Layout.PAGED, KeySource.Selection.ALL, shape.format(), own);
        return new AttentionSpec(
                        query.dtype(),
                        shape.keyDim(),
                        shape.valueDim(),
                        Math.toIntExact(query.size(1)),
                        shape.heads(),
                        shape.heads(),
                        Expressions.score(),
                        Expressions.score(),
                        own && causal ? Expressions.causal() : new Expr.BoolConst(true),
                        own ? QueryOffset.GIVEN : QueryOffset.TOP_LEFT,
                        false,
                        false,
                        true,
                        false,
                        Optional.empty())
                .with(source)
                .withPartials();
    }

    private AttentionArguments arguments(Tensor query, Level level, float scale, Tensor acc, Tensor m, Tensor l) {
        KeyArguments source = KeyArguments.NONE.withPageTable(level.pageTable()).withQueryStarts(level.queryStarts());
        if (level.positions() != null) {
            source = source.withKeyPositions(level.positions());
        }
        Tensor scales = keys.scales();
        Tensor valueScales = values.scales();
        if (scales != null && valueScales != null) {
            source = source.withScales(scales, keys.zeros(), valueScales, values.zeros());
        }
        return new AttentionArguments(
                query,
                keys.rows(),
                values.rows(),
                acc,
                scale,
                null,
                null,
                level.lengths(),
                level.queryOffsets(),
                null,
                null,
                null,
                Map.of(),
                Map.of(),
                source,
                m,
                l,
                null);
    }

    @Override
    public void close() {
        owned.forEach(Tensor::close);
    }
}
