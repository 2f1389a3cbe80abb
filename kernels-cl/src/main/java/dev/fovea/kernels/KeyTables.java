package dev.fovea.kernels;

import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeyArguments;
import dev.fovea.api.spec.KeyArguments.Selected;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.KeySource.Layout;
import dev.fovea.api.spec.KeySource.Selection;
import dev.fovea.api.spec.KvFormat;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What {@code keys.clh} is given: defines for the compiler, {@code struct key_tables} and the tensors behind it for a run. */
public final class KeyTables {
    private KeyTables() {}

    static String defines(KeySource s) {
        return "#define LAYOUT LAYOUT_" + s.layout() + "\n#define SELECTION SELECTION_" + s.selection()
                + "\n#define KV_FORMAT KV_" + s.format() + "\n#define POSITIONS " + (s.positions() ? 1 : 0)
                + "\n#define PACKED_QUERIES " + (s.packedQueries() ? 1 : 0)
                + "\n#define ROTARY "
                + s.rotary().map(r -> "ROTARY_" + r.pairing()).orElse("0") + "\n";
    }

    /** Whether the kernels take a {@code struct key_tables}, and the tensors after it; a plain source has none. */
    public static boolean present(KeySource s) {
        return s.layout() != Layout.DENSE
                || s.selection() != Selection.ALL
                || s.format().quantised()
                || s.positions()
                || s.packedQueries();
    }

    /** The tensors in the order of {@code KEY_PARAMETERS}, after the struct. */
    public static List<Tensor> tensors(KeyArguments k) {
        List<Tensor> all = new ArrayList<>();
        add(all, k.queryStarts(), k.keyStarts(), k.pageTable(), k.keyPositions());
        if (k.selected() != null) {
            add(all, k.selected().lists(), k.selected().counts());
        }
        add(all, k.keyScales(), k.keyZeros(), k.valueScales(), k.valueZeros());
        return all;
    }

    private static void add(List<Tensor> all, @Nullable Tensor... some) {
        for (Tensor t : some) {
            if (t != null) {
                all.add(t);
            }
        }
    }

    /** The {@code struct key_tables} of a run. */
    public static byte[] of(AttentionSpec spec, AttentionArguments a) {
        KeyArguments k = a.source();
        StructWriter w = new StructWriter();
        w.plane(k.keyScales()).plane(k.keyZeros()).plane(k.valueScales()).plane(k.valueZeros());
        w.rowsOfHeads(k.pageTable()).rowsOfHeads(k.keyPositions());
        Selected selected = k.selected();
        Tensor lists = selected == null ? null : selected.lists();
        w.plane(lists).plane(selected == null ? null : selected.counts()).int64(AttentionBlock.stride(lists, 3));
        w.list(k.queryStarts()).list(k.keyStarts());
        int size =
                spec.source().layout() == Layout.PAGED ? Math.toIntExact(a.key().size(2)) : 1;
        w.int32(size).int32(Integer.bitCount(size) == 1 ? Integer.numberOfTrailingZeros(size) : -1);
        w.int32(lists == null ? 1 : Math.toIntExact(spec.queryHeads() / lists.size(1)));
        w.int32(selected == null ? 1 : selected.queryBlock()).int32(selected == null ? 1 : selected.keyBlock());
        return w.int32(0).bytes();
    }

    /** The {@code struct rotary_tables} of a run with a rotary embedding; cosines and sines come after it. */
    public static byte[] rotary(KeySource.Rotary rotary, Tensor cosines, Tensor sines) {
        StructWriter w = new StructWriter();
        for (Tensor t : new Tensor[] {cosines, sines}) {
            w.int64(t.offset()).int64(AttentionBlock.stride(t, 0)).int64(AttentionBlock.stride(t, 1));
        }
        return w.int32(rotary.dim()).int32(0).bytes();
    }

    /** Whether rows of keys or values in a format can be moved {@code columns} at a time. */
    static boolean aligned(Tensor t, KvFormat format, int columns) {
        int elements = format == KvFormat.INT4 ? columns / 2 : columns;
        boolean aligned = t.offset() % elements == 0;
        for (int axis = 0; axis < 3; axis++) {
            aligned &= AttentionBlock.stride(t, axis) % elements == 0;
        }
        return aligned;
    }
}
