package dev.fovea.api.cache;

import dev.fovea.api.Backend;
import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.TransferSpec;
import dev.fovea.api.spi.Support;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Keys and values of the sequences of one attention layer, in pages on one device (Kwon et al. 2023). One layer, because layers evict
 * different keys and are written at different times; the price is a page table for each.
 *
 * <p>Sequences share pages by {@link #fork}; the first write to a shared page copies it. A call that fails changes nothing: pages are
 * counted before anything is done, {@link dev.fovea.api.FoveaException.OutOfPages} says how many lack, and rows are written only where no
 * sequence can see them until the call is complete. The exception is a device that fails in the middle of a {@link #compact}.
 *
 * <p>Work goes to the backend's default stream. Safe for use by several threads; a {@link CacheView} speaks of the moment it was made.
 */
public final class KvCache implements AutoCloseable {
    private final Backend backend;
    private final CacheShape shape;
    private final CacheLedger ledger;
    private final CacheRows keys;
    private final CacheRows values;
    private boolean closed;

    private KvCache(Backend backend, CacheShape shape, CacheRows keys, CacheRows values) {
        this.backend = backend;
        this.shape = shape;
        this.ledger = new CacheLedger(shape);
        this.keys = keys;
        this.values = values;
    }

    /** An empty cache, which takes {@link CacheShape#bytes} of the device at once. */
    public static KvCache on(Backend backend, CacheShape shape) {
        KvFormat format = shape.format();
        if (backend.supports(new TransferSpec(format, format, shape.keyDim(), shape.heads()))
                instanceof Support.No no) {
            throw new Unsupported(backend.info().id() + ": " + no.reason(), no.remedy());
        }
        CacheRows keys = rows(backend, shape, shape.keyDim(), shape.keyScale());
        try {
            CacheRows values = shape.valuesInKeys()
                    ? keys.columns(shape.valueDim())
                    : rows(backend, shape, shape.valueDim(), shape.valueScale());
            return new KvCache(backend, shape, keys, values);
        } catch (RuntimeException e) {
            keys.close();
            throw e;
        }
    }

    private static CacheRows rows(Backend backend, CacheShape shape, int dim, float scale) {
        return CacheRows.allocate(backend, shape.format(), dim, shape.heads(), shape.pages(), shape.pageSize(), scale);
    }

    public CacheShape shape() {
        return shape;
    }

    /** Device memory that the cache holds; a compaction that shifts keys takes a copy of those keys for its duration. */
    public long bytes() {
        return shape.bytes();
    }

    /** Pages that no sequence holds; of the head that has fewest, where heads have tables of their own. */
    public int freePages() {
        synchronized (ledger) {
            return ledger.freePages();
        }
    }

    /** Sequences not dropped. */
    public int sequences() {
        synchronized (ledger) {
            return ledger.sequences();
        }
    }

    /** An empty sequence. */
    public KvSequence create() {
        synchronized (ledger) {
            checkOpen();
            return ledger.create();
        }
    }

    /** A sequence with the keys of another, in the same pages: nothing is copied until one of them is written. */
    public KvSequence fork(KvSequence parent) {
        synchronized (ledger) {
            checkOpen();
            return ledger.fork(parent);
        }
    }

    /** Appends all rows of one batch entry to one sequence: K [1, H, T, keyDim], V [1, H, T, valueDim]. */
    public void append(KvSequence sequence, Tensor key, @Nullable Tensor value) {
        append(List.of(sequence), new int[] {rows("k", key)}, key, value);
    }

    /**
     * Appends the first {@code counts[b]} rows of batch entry b to sequence b.
     *
     * @param key F32, F16 or BF16 [B, H, T, keyDim], any strides but 1 along the last axis
     * @param value [B, H, T, valueDim], likewise; null where values are columns of the keys
     */
    public void append(List<KvSequence> sequences, int[] counts, Tensor key, @Nullable Tensor value) {
        int width = rows("k", key);
        if (key.size(0) != sequences.size() || Arrays.stream(counts).anyMatch(n -> n > width)) {
            throw new InvalidArgument(
                    "k",
                    "shape [" + sequences.size() + ", heads, at least the largest count, dim]",
                    key + " for counts " + Arrays.toString(counts),
                    "give an entry for each sequence, or use appendPacked");
        }
        int[] sources = IntStream.range(0, counts.length)
                .flatMap(b -> IntStream.range(0, counts[b]).map(i -> b * width + i))
                .toArray();
        write(sequences, counts, sources, key, value);
    }

    /**
     * Appends packed rows: the first {@code counts[0]} to the first sequence, the next to the second and so on.
     *
     * @param key F32, F16 or BF16 [1, H, T, keyDim], T the sum of the counts
     * @param value [1, H, T, valueDim]; null where values are columns of the keys
     */
    public void appendPacked(List<KvSequence> sequences, int[] counts, Tensor key, @Nullable Tensor value) {
        long all = Arrays.stream(counts).asLongStream().sum();
        if (rows("k", key) != all || key.size(0) != 1) {
            throw new InvalidArgument(
                    "k", "shape [1, heads, " + all + ", dim]", key.toString(), "pack the rows of all sequences");
        }
        write(sequences, counts, IntStream.range(0, (int) all).toArray(), key, value);
    }

    private static int rows(String what, Tensor tensor) {
        if (tensor.rank() != 4) {
            throw new InvalidArgument(what, "rank 4 [batch, heads, rows, dim]", tensor.toString(), "reshape it");
        }
        if (tensor.size(0) * tensor.size(2) > 1 << 29) {
            throw new InvalidArgument(what, "at most 2^29 rows", tensor.toString(), "append in parts");
        }
        return (int) tensor.size(2);
    }

    private void write(List<KvSequence> sequences, int[] counts, int[] sources, Tensor key, @Nullable Tensor value) {
        rowsOf("k", key, key, shape.keyDim());
        if (shape.valuesInKeys() != (value == null)) {
            throw new InvalidArgument(
                    "v",
                    shape.valuesInKeys() ? "none, since values are columns of the keys" : "a tensor",
                    value == null ? "none" : value.toString(),
                    "see the cache's shape");
        }
        if (value != null) {
            rowsOf("v", value, key, shape.valueDim());
        }
        synchronized (ledger) {
            checkOpen();
            LedgerChange change = ledger.append(sequences, counts);
            carryOut(change, () -> {
                move(change.moved());
                write(sources, change.targets(), key, value);
            });
        }
    }

    /** Checked here, since a transfer that the library refuses half-way would have run for the keys already. */
    private void rowsOf(String what, Tensor tensor, Tensor key, int dim) {
        boolean same = tensor.rank() == 4 && tensor.size(0) == key.size(0) && tensor.size(2) == key.size(2);
        if (!same
                || tensor.size(1) != shape.heads()
                || tensor.size(3) != dim
                || !tensor.dtype().isFloat()) {
            throw new InvalidArgument(
                    what,
                    "F32, F16 or BF16 [" + key.size(0) + ", " + shape.heads() + ", " + key.size(2) + ", " + dim + "]",
                    tensor.toString(),
                    "heads and columns are the cache's");
        }
    }

    private void write(int[] sources, int[][] targets, Tensor key, @Nullable Tensor value) {
        if (sources.length == 0) {
            return;
        }
        try (Tensor from = backend.copyOf(sources, sources.length);
                Tensor to = CacheRows.slots(backend, targets)) {
            keys.write(key, from, to);
            if (value != null) {
                values.write(value, from, to);
            }
        }
    }

    private void move(Moves moves) {
        if (moves.isEmpty()) {
            return;
        }
        List<CacheRows> all = shape.valuesInKeys() ? List.of(keys) : List.of(keys, values);
        try (Tensor from = CacheRows.slots(backend, moves.from());
                Tensor to = CacheRows.slots(backend, moves.to())) {
            if (!moves.overlap()) {
                all.forEach(rows -> rows.move(from, to));
                return;
            }
            try (Tensor through = CacheRows.slots(backend, moves.numbered())) {
                all.forEach(rows -> rows.move(from, through, to, moves.longest()));
            }
        }
    }

    private static void carryOut(LedgerChange change, Runnable work) {
        boolean done = false;
        try {
            work.run();
            done = true;
        } finally {
            if (done) {
                change.commit();
            } else {
                change.rollback();
            }
        }
    }

    /** Forgets the keys at {@code position} and behind it, as if only the first {@code position} keys had ever been appended. */
    public void truncate(KvSequence sequence, int position) {
        synchronized (ledger) {
            checkOpen();
            ledger.truncate(sequence, position);
        }
    }

    /** Gives up a sequence; its handle is of no use from then on. */
    public void drop(KvSequence sequence) {
        synchronized (ledger) {
            checkOpen();
            ledger.drop(sequence);
        }
    }

    /**
     * Keeps the keys of the given indices in all heads and evicts the others. Keys keep their order and their positions: {@code kpos}
     * stays true by the positions that a {@link CacheView} then has. The indices of later calls are the new ones.
     *
     * @param kept ascending
     */
    public Compaction compact(KvSequence sequence, int[] kept) {
        return compact(
                sequence, Stream.generate(() -> kept).limit(shape.lanes()).toArray(int[][]::new));
    }

    /**
     * Keeps the keys of the given indices in each head, as many as that head's budget; the cache has tables for each head.
     *
     * @param kept by head, each ascending
     */
    public Compaction compactHeads(KvSequence sequence, int[][] kept) {
        if (!shape.perHead()) {
            throw new InvalidArgument(
                    "kept indices",
                    "one list for all heads",
                    kept.length + " lists",
                    "make the cache with head tables");
        }
        return compact(sequence, kept);
    }

    private Compaction compact(KvSequence sequence, int[][] kept) {
        int[][] indices = Arrays.stream(kept).map(int[]::clone).toArray(int[][]::new);
        synchronized (ledger) {
            checkOpen();
            int[] lengths =
                    Arrays.stream(ledger.own(sequence)).mapToInt(Slots::length).toArray();
            LedgerChange change = ledger.compact(sequence, indices);
            carryOut(change, () -> move(change.moved()));
            return Compaction.of(sequence.generation(), indices, lengths);
        }
    }

    /** What attention over these sequences takes; the caller closes it. */
    public CacheView view(List<KvSequence> sequences) {
        synchronized (ledger) {
            checkOpen();
            sequences.forEach(ledger::own);
            return new CacheView(backend, shape, sequences, keys, values);
        }
    }

    /**
     * Attention that reads shared pages once, for the last {@code queries[b]} positions of each sequence; the caller closes it.
     *
     * @param queries queries of each sequence, whose keys are in the cache
     */
    public PrefixAttention prefixAttention(List<KvSequence> sequences, int[] queries) {
        synchronized (ledger) {
            checkOpen();
            sequences.forEach(ledger::own);
            if (queries.length != sequences.size()) {
                throw new InvalidArgument(
                        "queries", sequences.size() + " numbers", queries.length + "", "give one for each sequence");
            }
            return new PrefixAttention(backend, shape, keys, values, sequences, queries);
        }
    }

    /** The keys of a sequence as numbers: F32 [1, H, T, keyDim], T = the longest head's, 0 behind the end of others. */
    public Tensor readKeys(KvSequence sequence) {
        return read(keys, sequence);
    }

    /** The values of a sequence as numbers: F32 [1, H, T, valueDim], likewise. */
    public Tensor readValues(KvSequence sequence) {
        return read(values, sequence);
    }

    private Tensor read(CacheRows rows, KvSequence sequence) {
        synchronized (ledger) {
            checkOpen();
            return rows.read(Arrays.stream(ledger.own(sequence))
                    .map(s -> s.rows(shape.pageSize()))
                    .toArray(int[][]::new));
        }
    }

    private void checkOpen() {
        if (closed) {
            throw new Closed("cache");
        }
    }

    /** Gives the memory back; its sequences are of no use from then on. Idempotent. */
    @Override
    public void close() {
        synchronized (ledger) {
            if (!closed) {
                closed = true;
                values.close();
                keys.close();
            }
        }
    }
}
