package dev.fovea.cpu;

import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeyArguments;
import dev.fovea.api.spec.KeySource.Layout;
import dev.fovea.api.spec.KvFormat;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Where the keys and values of the sequences of a run lie, read by their index in the sequence. */
final class KeyStore {
    private final Layout layout;
    private final KvRows key;
    private final KvRows value;
    private final @Nullable KvRows pastKey;
    private final @Nullable KvRows pastValue;
    private final int pastKeys;
    private final int[] starts;
    private final @Nullable Strided table;
    private final boolean tablePerHead;
    private final int pageSize;

    KeyStore(AttentionSpec spec, AttentionArguments a) {
        KeyArguments k = a.source();
        KvFormat format = spec.source().format();
        this.layout = spec.source().layout();
        this.key = KvRows.of(format, spec.headDim(), a.key(), k.keyScales(), k.keyZeros());
        this.value = KvRows.of(format, spec.valueDim(), a.value(), k.valueScales(), k.valueZeros());
        this.pastKey = past(spec, spec.headDim(), a.pastKey());
        this.pastValue = past(spec, spec.valueDim(), a.pastValue());
        this.pastKeys = Math.toIntExact(a.pastKeys());
        this.starts = starts(k.keyStarts());
        this.table = k.pageTable() == null ? null : Strided.of(k.pageTable());
        this.tablePerHead = k.pageTable() != null && k.pageTable().rank() == 3;
        this.pageSize = Math.toIntExact(a.key().size(2));
    }

    private static @Nullable KvRows past(AttentionSpec spec, int columns, @Nullable Tensor t) {
        return t == null ? null : KvRows.of(KvFormat.of(spec.storage()), columns, t, null, null);
    }

    /** Cumulative positions; none for null. */
    static int[] starts(@Nullable Tensor t) {
        if (t == null) {
            return new int[0];
        }
        int[] all = new int[Math.toIntExact(t.size(0))];
        Strided from = Strided.of(t);
        from.read(from.at(0, 0, 0, 0), all, 0, all.length);
        return all;
    }

    /** Keys of a ragged sequence. */
    int raggedLength(int batch) {
        return starts[batch + 1] - starts[batch];
    }

    /** Takes rows of a sequence that follow each other in storage. */
    interface Run {
        /**
         * Takes n rows.
         *
         * @param done rows of the sequence that came before
         */
        void take(KvRows rows, long outer, long head, long position, int n, int done);
    }

    void eachKeys(int batch, int head, int first, int n, Run run) {
        each(pastKey, key, batch, head, head, first, n, run);
    }

    /** The key head says which page table, where each head has one. */
    void eachValues(int batch, int keyHead, int head, int first, int n, Run run) {
        each(pastValue, value, batch, keyHead, head, first, n, run);
    }

    private void each(
            @Nullable KvRows past, KvRows fresh, int batch, int tableHead, int head, int first, int n, Run run) {
        switch (layout) {
            case DENSE -> {
                int old = past == null ? 0 : Math.clamp((long) pastKeys - first, 0, n);
                if (past != null && old > 0) {
                    run.take(past, batch, head, first, old, 0);
                }
                if (old < n) {
                    run.take(fresh, batch, head, (long) first + old - pastKeys, n - old, old);
                }
            }
            case RAGGED -> run.take(fresh, 0, head, (long) starts[batch] + first, n, 0);
            case PAGED -> {
                for (int done = 0; done < n; ) {
                    int position = (first + done) % pageSize;
                    int count = Math.min(n - done, pageSize - position);
                    int page = page(batch, tableHead, (first + done) / pageSize);
                    run.take(fresh, page, head, position, count, done);
                    done += count;
                }
            }
        }
    }

    /** Whether all rows are 8-bit codes that vectors of {@code step} floats may take as they are. */
    boolean codes(int step) {
        return pastKey == null
                && key.format() == KvFormat.INT8
                && key.columns() % step == 0
                && value.columns() % step == 0;
    }

    /** Whether rows may be read where they lie by vectors of {@code step} floats. */
    boolean inPlace(int step) {
        return pastKey == null
                && key.format() == KvFormat.F32
                && key.columns() % step == 0
                && value.columns() % step == 0;
    }

    /** Adds where keys lie; false if they do not lie in groups that fit. */
    boolean locateKeys(int batch, int head, int first, int n, RowGroups to) {
        return locate(key.rows(), batch, head, head, first, n, to);
    }

    boolean locateValues(int batch, int keyHead, int head, int first, int n, RowGroups to) {
        return locate(value.rows(), batch, keyHead, head, first, n, to);
    }

    private boolean locate(Rows rows, int batch, int tableHead, int head, int first, int n, RowGroups to) {
        long stride = rows.rowBytes();
        return switch (layout) {
            case DENSE -> to.add(rows.memory(), rows.at(batch, head, first), stride, n);
            case RAGGED -> to.add(rows.memory(), rows.at(0, head, (long) starts[batch] + first), stride, n);
            case PAGED -> {
                int number = first / pageSize;
                int position = first % pageSize;
                boolean fits = true;
                for (int done = 0; done < n && fits; position = 0) {
                    int run = Math.min(n - done, pageSize - position);
                    long at = rows.at(page(batch, tableHead, number++), head, position);
                    fits = to.add(rows.memory(), at, stride, run);
                    done += run;
                }
                yield fits;
            }
        };
    }

    private int page(int batch, int tableHead, int number) {
        Strided t = Objects.requireNonNull(table);
        return tablePerHead ? t.intAt(batch, tableHead, number, 0) : t.intAt(batch, number, 0, 0);
    }
}
