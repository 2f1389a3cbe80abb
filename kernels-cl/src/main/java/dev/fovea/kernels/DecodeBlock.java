package dev.fovea.kernels;

import dev.fovea.api.Tensor;
import dev.fovea.api.expr.KeyBand;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.QueryOffset;

/** Writes {@code struct decode_block} as decode_parts.clh has it, and knows how the workspace is laid out. */
public final class DecodeBlock {
    private DecodeBlock() {}

    /** Bytes of the workspace: maxima, sums and accumulators of the partials of all rows. */
    public static long workspace(AttentionSpec spec, AttentionArguments a, DecodeCut cut) {
        long parts = parts(spec, a, cut);
        return 4 * (columnsAt(parts) + parts * spec.valueDim());
    }

    /** Where the accumulators begin behind maxima and sums: whole vectors of four. */
    private static long columnsAt(long parts) {
        return Math.ceilDiv(2 * parts, 4L) * 4;
    }

    private static long parts(AttentionSpec spec, AttentionArguments a, DecodeCut cut) {
        return a.batch() * spec.queryHeads() * a.queries() * cut.splits();
    }

    /** Whether K and V can be read eight columns at a time. */
    public static boolean aligned(AttentionSpec spec, AttentionArguments a) {
        KvFormat format = spec.source().format();
        int columns = format == KvFormat.F32 ? 4 : 8;
        boolean aligned = spec.headDim() % 8 == 0 && spec.valueDim() % 8 == 0;
        for (Tensor t : new Tensor[] {a.key(), a.value()}) {
            aligned &= KeyTables.aligned(t, format, columns);
        }
        if (a.pastKey() != null && a.pastValue() != null) {
            aligned &= KeyTables.aligned(a.pastKey(), format, columns)
                    && KeyTables.aligned(a.pastValue(), format, columns);
        }
        return aligned;
    }

    public static byte[] of(
            AttentionSpec spec,
            AttentionArguments a,
            DecodeCut cut,
            DecodeKernel variant,
            boolean scheduled,
            boolean mergedAtOnce) {
        StructWriter w = new StructWriter();
        w.plane(a.query()).plane(a.key()).plane(a.value()).plane(a.pastKey()).plane(a.pastValue());
        w.plane(a.output()).plane(a.logSumExp()).plane(a.maxima()).plane(a.sums());
        w.perHead(a.keyLengths()).perHead(a.queryOffsets()).list(a.sinks());
        long parts = parts(spec, a, cut);
        w.int64(parts).int64(columnsAt(parts));
        w.int32(spec.queryHeads())
                .int32(spec.queryHeads() / spec.keyHeads())
                .int32(spec.queryHeads() / spec.valueHeads());
        w.int32(cut.rowHeads()).int32(spec.queryHeads() / cut.rowHeads());
        w.int32(Math.toIntExact(a.queries()))
                .int32(Math.toIntExact(a.pastKeys()))
                .int32(Math.toIntExact(a.keys()));
        w.int32(cut.setQueries()).int32(cut.setBlocks()).int32(cut.blocks());
        w.int32(spec.headDim()).int32(spec.valueDim()).int32(variant.slices(spec.valueDim()));
        w.int32(cut.splits()).int32(cut.splitLength());
        KvFormat given = KvFormat.of(spec.storage());
        w.flag(a.keyLengths() != null).flag(a.sinks() != null).flag(a.logSumExp() != null);
        w.int32(AttentionBlock.vectors(
                KeyTables.aligned(a.query(), given, 4),
                false,
                false,
                false,
                false,
                KeyTables.aligned(a.output(), given, 4)));
        w.int32(Math.toIntExact(
                switch (spec.offset()) {
                    case TOP_LEFT, GIVEN, BOTTOM_RIGHT -> 0;
                    case PAST -> a.pastKeys();
                }));
        w.flag(spec.offset() == QueryOffset.BOTTOM_RIGHT).flag(spec.offset() == QueryOffset.GIVEN);
        KeyBand band = KeyBand.of(spec.mask(), a.scalars());
        w.int32(band.left()).int32(band.right()).flag(scheduled).float32(a.scale());
        return w.flag(mergedAtOnce).bytes();
    }
}
