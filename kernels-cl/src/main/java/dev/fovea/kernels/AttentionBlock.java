package dev.fovea.kernels;

import dev.fovea.api.Tensor;
import dev.fovea.api.expr.KeyBand;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spec.ScoreStage;
import org.jspecify.annotations.Nullable;

/** Writes {@code struct attention_block} and {@code struct capture} as the kernels read them. */
public final class AttentionBlock {
    private static final long INDEXABLE = 1L << 31;

    private AttentionBlock() {}

    /** The by-value argument of the attention kernel for one run. */
    public static byte[] of(AttentionSpec spec, AttentionArguments a, int slices) {
        Tensor pastKey = a.pastKey() == null ? a.key() : a.pastKey();
        Tensor pastValue = a.pastValue() == null ? a.value() : a.pastValue();
        StructWriter w = new StructWriter();
        w.plane(a.query())
                .plane(a.key())
                .plane(a.value())
                .plane(pastKey)
                .plane(pastValue)
                .plane(a.output());
        w.plane(a.logSumExp()).plane(a.maxima()).plane(a.sums());
        w.plane(a.scores()).int64(stride(a.scores(), 3));
        w.perHead(a.keyLengths()).perHead(a.queryOffsets());
        w.int64(a.sinks() == null ? 0 : a.sinks().offset()).int64(stride(a.sinks(), 0));
        w.int32(spec.queryHeads())
                .int32(spec.queryHeads() / spec.keyHeads())
                .int32(spec.queryHeads() / spec.valueHeads());
        w.int32(Math.toIntExact(a.queries()))
                .int32(Math.toIntExact(a.pastKeys()))
                .int32(Math.toIntExact(a.keys()));
        w.int32(spec.headDim()).int32(spec.valueDim()).int32(slices);
        KvFormat given = KvFormat.of(spec.storage());
        KvFormat format = spec.source().format();
        w.int32(vectors(
                KeyTables.aligned(a.query(), given, 4),
                KeyTables.aligned(a.key(), format, 4),
                KeyTables.aligned(a.value(), format, 4),
                KeyTables.aligned(pastKey, format, 4),
                KeyTables.aligned(pastValue, format, 4),
                KeyTables.aligned(a.output(), given, 4)));
        w.flag(a.keyLengths() != null).flag(a.sinks() != null).flag(a.logSumExp() != null);
        w.int32(spec.scores().map(AttentionBlock::stage).orElse(0));
        offset(w, spec.offset(), a);
        KeyBand band = KeyBand.of(spec.mask(), a.scalars());
        w.int32(band.left()).int32(band.right()).flag(band.exact());
        w.float32(a.scale());
        return w.bytes();
    }

    /** The by-value argument that goes with a captured tensor. */
    public static byte[] capture(Tensor t) {
        StructWriter w = new StructWriter().int64(t.offset());
        for (int i = 0; i < 4; i++) {
            w.int64(i < t.rank() ? stride(t, i) : 0);
        }
        for (int i = 0; i < 4; i++) {
            w.int32(i < t.rank() ? (int) Math.min(t.size(i) - 1, Integer.MAX_VALUE) : 0);
        }
        return w.bytes();
    }

    /** Whether a distance inside one (batch, head) slice, or inside a captured tensor, needs 64 bits. */
    public static boolean needsWide(AttentionArguments a) {
        boolean wide = a.captures().values().stream().anyMatch(t -> t.span() >= INDEXABLE);
        for (Tensor t :
                new @Nullable Tensor[] {a.query(), a.key(), a.value(), a.output(), a.pastKey(), a.pastValue()}) {
            wide |= t != null && (t.size(2) + 128) * Math.max(1, t.stride(2)) + t.size(3) >= INDEXABLE;
        }
        return wide;
    }

    private static void offset(StructWriter w, QueryOffset kind, AttentionArguments a) {
        int constant = Math.toIntExact(
                switch (kind) {
                    case TOP_LEFT, GIVEN -> 0;
                    case BOTTOM_RIGHT -> -a.queries();
                    case PAST -> a.pastKeys();
                });
        w.int32(constant).flag(kind == QueryOffset.BOTTOM_RIGHT).flag(kind == QueryOffset.GIVEN);
    }

    private static int stage(ScoreStage stage) {
        return switch (stage) {
            case RAW -> 1;
            case CAPPED -> 2;
            case MASKED -> 3;
            case PROBABILITY -> 4;
        };
    }

    /** A bit for each tensor whose rows can be moved four elements at a time. */
    static int vectors(boolean... aligned) {
        int bits = 0;
        for (int i = 0; i < aligned.length; i++) {
            bits |= aligned[i] ? 1 << i : 0;
        }
        return bits;
    }

    /** The stride along an axis; 0 where there is nothing to step over, whatever the tensor says. */
    static long stride(@Nullable Tensor t, int axis) {
        return t == null || axis >= t.rank() || t.size(axis) <= 1 ? 0 : t.stride(axis);
    }
}
