package dev.fovea.api;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeyArguments;
import dev.fovea.api.spec.KeyArguments.Selected;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.KeySource.Layout;
import dev.fovea.api.spec.KeySource.Selection;
import dev.fovea.api.spec.KvFormat;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Checks keys, values and the tables that say where they are. */
final class KeySourceCheck {
    private KeySourceCheck() {}

    static void check(AttentionSpec spec, AttentionArguments a) {
        KeySource source = spec.source();
        KeyArguments k = a.source();
        Tensor q = ArgumentCheck.rank("q", a.query(), 4);
        if (ArgumentCheck.present("query starts", source.packedQueries(), k.queryStarts())) {
            starts("query starts", k.queryStarts(), q.size(0), q.size(2));
        }
        long batch = a.batch();
        Tensor key = ArgumentCheck.rank("k", a.key(), 4);
        Tensor value = ArgumentCheck.rank("v", a.value(), 4);
        if (ArgumentCheck.present("key starts", source.layout() == Layout.RAGGED, k.keyStarts())) {
            starts("key starts", k.keyStarts(), key.size(0), key.size(2));
            sameBatch("key starts", Objects.requireNonNull(k.keyStarts()).size(0) - 1, batch);
        }
        long outer = source.layout() == Layout.DENSE ? batch : key.size(0);
        long size = key.size(2);
        KvFormat format = source.format();
        ArgumentCheck.contiguous(
                "k",
                ArgumentCheck.shape(
                        "k", key, format.dtype(), outer, spec.keyHeads(), size, format.elements(spec.headDim())));
        ArgumentCheck.contiguous(
                "v",
                ArgumentCheck.shape(
                        "v", value, format.dtype(), outer, spec.valueHeads(), size, format.elements(spec.valueDim())));
        MovementCheck.scales("k", format, k.keyScales(), k.keyZeros(), outer, spec.keyHeads(), size);
        MovementCheck.scales("v", format, k.valueScales(), k.valueZeros(), outer, spec.valueHeads(), size);
        if (ArgumentCheck.present("page table", source.layout() == Layout.PAGED, k.pageTable())) {
            pages(spec, k.pageTable(), batch, key);
        }
        if (ArgumentCheck.present("key positions", source.positions(), k.keyPositions())) {
            Tensor p = Objects.requireNonNull(k.keyPositions());
            ArgumentCheck.dtype("key positions", p, DType.I32);
            perSequenceAndKey("key positions", p, batch, spec.keyHeads(), a.keys());
            ArgumentCheck.range("key positions", p, -(1 << 29), 1 << 29);
        }
        if ((source.selection() != Selection.ALL) != (k.selected() != null)) {
            throw new InvalidArgument(
                    "selected keys",
                    source.selection() == Selection.ALL ? "none, since the spec has none" : "lists",
                    k.selected() == null ? "none" : "lists",
                    "change the spec or the arguments");
        }
        rotary(spec, a);
        if (k.selected() != null) {
            selected(spec, k.selected(), batch, a.queries(), a.keys());
        }
    }

    private static void rotary(AttentionSpec spec, AttentionArguments a) {
        KeyArguments k = a.source();
        Optional<KeySource.Rotary> rotary = spec.source().rotary();
        boolean present = ArgumentCheck.present("cosines", rotary.isPresent(), k.cosines());
        if (ArgumentCheck.present("sines", rotary.isPresent(), k.sines()) && present) {
            Tensor cos = ArgumentCheck.rank("cosines", Objects.requireNonNull(k.cosines()), 2);
            long rows = cos.size(0);
            int pairs = rotary.orElseThrow().pairs();
            ArgumentCheck.shape("cosines", cos, DType.F32, rows, pairs);
            ArgumentCheck.shape("sines", k.sines(), DType.F32, rows, pairs);
            long largest = Math.max(largestQuery(spec, a), a.keys() - 1);
            if (k.keyPositions() != null) {
                ArgumentCheck.range("key positions", k.keyPositions(), 0, rows - 1);
                largest = largestQuery(spec, a);
            }
            if (largest >= rows) {
                throw new InvalidArgument(
                        "cosines", "a row for each position up to " + largest, rows + " rows", "make longer tables");
            }
        }
    }

    /** Largest qpos; refuses offsets that may be negative, for which the tables have no row. */
    private static long largestQuery(AttentionSpec spec, AttentionArguments a) {
        return a.queries()
                - 1
                + switch (spec.offset()) {
                    case TOP_LEFT -> 0;
                    case PAST -> a.pastKeys();
                    case GIVEN -> {
                        Tensor offsets = Objects.requireNonNull(a.queryOffsets());
                        ArgumentCheck.range("query offsets", offsets, 0, 1 << 29);
                        yield offsets.facts().largest();
                    }
                    case BOTTOM_RIGHT -> {
                        Tensor lengths = a.keyLengths();
                        boolean enough = lengths == null
                                ? a.source().keyStarts() == null && a.keys() >= a.queries()
                                : lengths.facts().least() >= a.queries();
                        if (!enough) {
                            throw new InvalidArgument(
                                    "query offset",
                                    "one that is not negative, with a rotary embedding",
                                    "bottom-right with sequences that may have fewer keys than queries",
                                    "give the offsets");
                        }
                        yield a.keys() - a.queries();
                    }
                };
    }

    private static void sameBatch(String what, long got, long batch) {
        if (got != batch) {
            throw new InvalidArgument(what, batch + " sequences", got + "", "q and k have the same sequences");
        }
    }

    private static void starts(String what, @Nullable Tensor tensor, long outer, long positions) {
        Tensor t = ArgumentCheck.rank(what, Objects.requireNonNull(tensor), 1);
        ArgumentCheck.dtype(what, t, DType.I32);
        IntFacts f = t.facts();
        boolean ok = t.size(0) > 0
                && t.stride(0) == 1
                && f.known()
                && f.least() >= 0
                && f.largest() <= positions
                && f.smallestStep() >= 0;
        if (!ok || outer != 1) {
            throw new InvalidArgument(
                    what,
                    "cumulative positions that do not decrease, up to the " + positions
                            + " of a tensor [1, heads, T, dim]",
                    f.known()
                            ? f.least() + " to " + f.largest() + ", least step " + f.smallestStep()
                            : "values never checked",
                    "make them by copyOf(int[]) and pack the sequences into one batch entry");
        }
    }

    private static void pages(AttentionSpec spec, @Nullable Tensor table, long batch, Tensor key) {
        Tensor t = Objects.requireNonNull(table);
        ArgumentCheck.dtype("page table", t, DType.I32);
        boolean ok = t.rank() == 2 && t.size(0) == batch
                || t.rank() == 3 && t.size(0) == batch && t.size(1) == spec.keyHeads();
        if (!ok) {
            throw new InvalidArgument(
                    "page table",
                    "shape [" + batch + ", n] or [" + batch + ", " + spec.keyHeads() + ", n]",
                    t.shapeText(),
                    "one list of pages a sequence, or one a sequence and key head");
        }
        if (t.rank() == 3 && spec.valueHeads() != spec.keyHeads()) {
            throw new InvalidArgument(
                    "page table", "one list a sequence", t.shapeText(), "k and v have different heads here");
        }
        ArgumentCheck.range("page table", t, 0, key.size(0) - 1);
        long size = key.size(2);
        if (size < 1 || size > 256) {
            throw new InvalidArgument("page size", "from 1 to 256 positions", "" + size, "choose another");
        }
    }

    private static void perSequenceAndKey(String what, Tensor t, long batch, long keyHeads, long keys) {
        boolean ok = t.rank() == 2 && t.size(0) == batch && t.size(1) == keys
                || t.rank() == 3 && t.size(0) == batch && t.size(1) == keyHeads && t.size(2) == keys;
        if (!ok) {
            throw new InvalidArgument(
                    what,
                    "shape [" + batch + ", " + keys + "] or [" + batch + ", " + keyHeads + ", " + keys + "]",
                    t.shapeText(),
                    "one number a key");
        }
    }

    private static void selected(AttentionSpec spec, Selected s, long batch, long queries, long keys) {
        Tensor lists = ArgumentCheck.rank("selected keys", s.lists(), 4);
        ArgumentCheck.dtype("selected keys", lists, DType.I32);
        boolean tokens = spec.source().selection() == Selection.TOKENS;
        if (s.queryBlock() < 1 || s.keyBlock() < 1 || tokens && s.keyBlock() != 1) {
            throw new InvalidArgument(
                    "selected keys",
                    tokens ? "query blocks of at least 1, key blocks of 1" : "blocks of at least 1",
                    s.queryBlock() + " queries, " + s.keyBlock() + " keys",
                    "correct them");
        }
        long blocks = Math.ceilDiv(queries, s.queryBlock());
        long heads = lists.size(1);
        boolean ok = (lists.size(0) == batch || lists.size(0) == 1)
                && (heads == 1 || heads == spec.queryHeads() || heads == spec.keyHeads())
                && lists.size(2) == blocks;
        if (!ok) {
            throw new InvalidArgument(
                    "selected keys",
                    "shape [1 or " + batch + ", 1 or " + spec.keyHeads() + " or " + spec.queryHeads() + ", " + blocks
                            + ", n]",
                    lists.shapeText(),
                    "one list for each block of queries");
        }
        ArgumentCheck.shape("selected counts", s.counts(), DType.I32, lists.size(0), lists.size(1), lists.size(2));
        ArgumentCheck.range("selected counts", s.counts(), 0, lists.size(3));
        ArgumentCheck.range("selected keys", lists, 0, Math.max(0, Math.ceilDiv(keys, s.keyBlock()) - 1));
        int[] checked = lists.allocation().listCounts();
        if (checked == null
                || !lists.isWhole()
                || !Arrays.equals(checked, s.counts().keptValues())) {
            throw new InvalidArgument(
                    "selected keys",
                    "whole lists, checked for duplicates up to these counts",
                    checked == null ? "lists never checked" : "other counts, or a part of the lists",
                    "make the lists by listsOf and the counts from the same numbers");
        }
    }
}
