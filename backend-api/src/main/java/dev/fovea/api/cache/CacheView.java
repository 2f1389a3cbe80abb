package dev.fovea.api.cache;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeyArguments;
import dev.fovea.api.spec.KeyArguments.Selected;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.QueryOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What attention over sequences of a cache takes, as they are now: B sequences, a table of pages, lengths, positions if keys were evicted.
 * Later changes of the cache do not show in it, and may overwrite the pages that it names: make one for each step. Whoever makes it
 * closes it; keys and values stay the cache's.
 */
public final class CacheView implements AutoCloseable {
    private final Backend backend;
    private final CacheShape shape;
    private final List<KvSequence> sequences;
    private final List<Long> generations;
    private final int[] next;
    private final KeyArguments keys;
    private final Tensor key;
    private final Tensor value;
    private final Tensor lengths;
    private final List<Tensor> owned = new ArrayList<>();
    private @Nullable CacheSelection selection;

    CacheView(Backend backend, CacheShape shape, List<KvSequence> sequences, CacheRows keyRows, CacheRows valueRows) {
        this.backend = backend;
        this.shape = shape;
        this.sequences = List.copyOf(sequences);
        this.generations = sequences.stream().map(KvSequence::generation).toList();
        this.next = sequences.stream().mapToInt(KvSequence::nextPosition).toArray();
        this.key = keyRows.rows();
        this.value = valueRows.rows();
        List<Slots> slots =
                sequences.stream().flatMap(s -> Arrays.stream(s.slots())).toList();
        int width = slots.stream().mapToInt(s -> s.pages().length).max().orElse(0);
        try {
            int n = Math.max(1, width); // a table without a column has no page size to take keys from
            KeyArguments k = KeyArguments.NONE.withPageTable(perLane(table(slots, n), n));
            this.lengths = perLane(slots.stream().mapToInt(Slots::length).toArray(), 0);
            if (!slots.stream().allMatch(Slots::plain)) {
                int positions = n * shape.pageSize();
                k = k.withKeyPositions(perLane(positions(slots, positions), positions));
            }
            Tensor scales = keyRows.scales();
            Tensor valueScales = valueRows.scales();
            this.keys = scales == null || valueScales == null
                    ? k
                    : k.withScales(scales, keyRows.zeros(), valueScales, valueRows.zeros());
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private static int[] table(List<Slots> slots, int width) {
        int[] table = new int[slots.size() * width];
        for (int i = 0; i < slots.size(); i++) {
            int[] pages = slots.get(i).pages();
            System.arraycopy(pages, 0, table, i * width, pages.length);
        }
        return table;
    }

    private static int[] positions(List<Slots> slots, int width) {
        int[] all = new int[slots.size() * width];
        for (int i = 0; i < slots.size(); i++) {
            Slots s = slots.get(i);
            System.arraycopy(s.positions(), 0, all, i * width, s.length());
            Arrays.fill(all, i * width + s.length(), (i + 1) * width, s.nextPosition());
        }
        return all;
    }

    private Tensor perLane(int[] data, int width) {
        List<Long> axes = new ArrayList<>(List.of((long) sequences.size()));
        if (shape.perHead()) {
            axes.add((long) shape.heads());
        }
        if (width > 0) {
            axes.add((long) width);
        }
        return own(backend.copyOf(data, axes.stream().mapToLong(Long::longValue).toArray()));
    }

    private Tensor own(Tensor tensor) {
        owned.add(tensor);
        return tensor;
    }

    public List<KvSequence> sequences() {
        return sequences;
    }

    /** The cache's keys [pages, heads, page size, elements of keyDim], of the cache. */
    public Tensor key() {
        return key;
    }

    /** The cache's values, likewise. */
    public Tensor value() {
        return value;
    }

    /** I32 [B], or [B, Hk] where heads have tables of their own. */
    public Tensor keyLengths() {
        return lengths;
    }

    /** Page table, positions, scales and, after {@link #with}, the selection. */
    public KeyArguments keyArguments() {
        return selection == null ? keys : keys.withSelected(selection.lists());
    }

    /** Key lists for these sequences, bound to their generations. */
    public CacheSelection selection(Selected lists) {
        return new CacheSelection(lists, sequences, generations);
    }

    /** Restricts attention to the lists of a selection, which must be of these sequences and of their generations. */
    public CacheView with(CacheSelection other) {
        if (!other.sequences().equals(sequences)) {
            throw new InvalidArgument(
                    "selection", "one of the sequences of this view", "one of others", "select by a view of them");
        }
        for (int i = 0; i < generations.size(); i++) {
            if (!other.generations().get(i).equals(generations.get(i))) {
                throw new InvalidArgument(
                        "selection",
                        "generation " + generations.get(i) + " of sequence " + i,
                        "generation " + other.generations().get(i),
                        "compaction renumbered the keys: select again, or map the lists by what it returned");
            }
        }
        selection = other;
        return this;
    }

    /** The key source that a spec for this view has. */
    public KeySource source() {
        KeySource paged = KeySource.dense(DType.F32).with(shape.format()).with(KeySource.Layout.PAGED);
        KeySource placed = keys.keyPositions() == null ? paged : paged.withPositions();
        if (selection == null) {
            return placed;
        }
        return placed.with(selection.lists().keyBlock() == 1 ? KeySource.Selection.TOKENS : KeySource.Selection.BLOCKS);
    }

    /**
     * Softmax attention over this view with a mask, its queries at given offsets.
     *
     * @param query [B, Hq, S, keyDim]
     */
    public AttentionSpec spec(Tensor query, Expr mask) {
        return new AttentionSpec(
                        query.dtype(),
                        shape.keyDim(),
                        shape.valueDim(),
                        Math.toIntExact(query.size(1)),
                        shape.heads(),
                        shape.heads(),
                        Expressions.score(),
                        Expressions.score(),
                        mask,
                        QueryOffset.GIVEN,
                        false,
                        false,
                        true,
                        false,
                        Optional.empty())
                .with(source());
    }

    /**
     * Arguments for {@link #spec}: the queries of each sequence stand at its last positions, whatever was evicted before them.
     *
     * @param query [B, Hq, S, keyDim]
     * @param output [B, Hq, S, valueDim]
     * @param scale factor of the dot products
     */
    public AttentionArguments arguments(Tensor query, Tensor output, float scale) {
        int queries = Math.toIntExact(query.size(2));
        int[] offsets = Arrays.stream(next).map(n -> n - queries).toArray();
        return arguments(query, output, scale, offsets, keyArguments());
    }

    /**
     * Arguments for {@link #spec} with packed queries.
     *
     * @param query [1, Hq, T, keyDim]
     * @param counts queries of each sequence; T in all
     * @param output [1, Hq, T, valueDim]
     */
    public AttentionArguments packedArguments(Tensor query, int[] counts, Tensor output, float scale) {
        if (counts.length != next.length) {
            throw new InvalidArgument("counts", next.length + " numbers", counts.length + "", "one a sequence");
        }
        int[] offsets = new int[counts.length];
        int[] starts = new int[counts.length + 1];
        for (int i = 0; i < counts.length; i++) {
            offsets[i] = next[i] - counts[i];
            starts[i + 1] = starts[i] + counts[i];
        }
        Tensor cut = own(backend.copyOf(starts, starts.length));
        return arguments(query, output, scale, offsets, keyArguments().withQueryStarts(cut));
    }

    private AttentionArguments arguments(Tensor query, Tensor output, float scale, int[] offsets, KeyArguments source) {
        return new AttentionArguments(
                query,
                key,
                value,
                output,
                scale,
                null,
                null,
                lengths,
                own(backend.copyOf(offsets, offsets.length)),
                null,
                null,
                null,
                Map.of(),
                Map.of(),
                source,
                null,
                null,
                null);
    }

    /** Closes the tables; keys and values are the cache's. */
    @Override
    public void close() {
        owned.forEach(Tensor::close);
    }
}
