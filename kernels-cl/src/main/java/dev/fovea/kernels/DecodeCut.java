package dev.fovea.kernels;

import dev.fovea.api.expr.KeyBand;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeyArguments.Selected;
import dev.fovea.api.spec.KeySource.Selection;
import org.jspecify.annotations.Nullable;

/**
 * How one run of the decode kernel is cut into work-groups.
 *
 * @param rowHeads neighbouring query heads that share keys, values and selections
 * @param setQueries queries that share a selection, or all
 * @param setBlocks work-groups along the rows of a set
 * @param sets sets of queries
 * @param splits the most parts that the keys of a sequence are cut into
 * @param splitLength keys, or slots of a selection, of a part
 */
public record DecodeCut(int rowHeads, int setQueries, int setBlocks, int sets, int splits, int splitLength) {
    /** The cut for work-groups of {@code rows} rows. */
    public static DecodeCut of(AttentionSpec spec, AttentionArguments a, int rows, int splitLength) {
        int queries = Math.toIntExact(a.queries());
        int rowHeads = rowHeads(spec, a.source().selected());
        int setQueries = setQueries(a);
        long most = Math.max(1, mostKeys(spec, a, setQueries));
        return new DecodeCut(
                rowHeads,
                setQueries,
                Math.ceilDiv(setQueries * rowHeads, rows),
                Math.ceilDiv(queries, setQueries),
                Math.toIntExact(Math.ceilDiv(most, splitLength)),
                splitLength);
    }

    /** Rows that can share the keys that a work-group reads. */
    public static long sharedRows(AttentionSpec spec, AttentionArguments a) {
        return (long) setQueries(a) * rowHeads(spec, a.source().selected());
    }

    /** Work-groups of one part of one sequence. */
    public long groups(AttentionSpec spec, DecodeKernel variant) {
        return (long) spec.queryHeads() / rowHeads * blocks() * variant.slices(spec.valueDim());
    }

    /** Counters of a run whose parts are merged by whoever leaves the last. */
    public long tickets(AttentionSpec spec, AttentionArguments a) {
        return a.batch() * spec.queryHeads() / rowHeads * blocks();
    }

    int blocks() {
        return sets * setBlocks;
    }

    /** Queries that see the same keys but for their mask. */
    public static int setQueries(AttentionArguments a) {
        Selected selected = a.source().selected();
        int queries = Math.max(1, Math.toIntExact(a.queries()));
        return selected == null ? queries : Math.min(selected.queryBlock(), queries);
    }

    private static int rowHeads(AttentionSpec spec, @Nullable Selected selected) {
        int heads = gcd(spec.queryHeads() / spec.keyHeads(), spec.queryHeads() / spec.valueHeads());
        return selected == null
                ? heads
                : gcd(
                        heads,
                        Math.toIntExact(spec.queryHeads() / selected.lists().size(1)));
    }

    private static int gcd(int a, int b) {
        return b == 0 ? a : gcd(b, a % b);
    }

    /** The most keys, or slots, that the rows of a work-group can see. */
    private static long mostKeys(AttentionSpec spec, AttentionArguments a, int setQueries) {
        Selected selected = a.source().selected();
        if (spec.source().selection() != Selection.ALL && selected != null) {
            return selected.lists().size(3) * selected.keyBlock();
        }
        long keys = a.keys();
        if (a.keyLengths() != null && a.keyLengths().facts().known()) {
            keys = Math.min(keys, a.keyLengths().facts().largest()); // a cache may be much larger than what is in it
        }
        if (spec.source().positions()) {
            return keys;
        }
        KeyBand band = KeyBand.of(spec.mask(), a.scalars());
        return Math.min(keys, Math.max(0L, (long) band.left() + band.right() + setQueries));
    }
}
