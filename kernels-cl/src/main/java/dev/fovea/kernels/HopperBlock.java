package dev.fovea.kernels;

import dev.fovea.api.expr.KeyBand;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeySource.Layout;

/** Writes {@code struct hopper_block}, and knows how work is dealt out and where the planes of f32 operands lie. */
public final class HopperBlock {
    /** Keys and values of heads that are worked on together: about half of the second-level cache. */
    private static final long SECTION_BYTES = 24L << 20;

    /** Elements of the output that a work-item stores at once. */
    private static final int WIDE = 4;

    private static final int MAPS_BYTES = 4 * 128;

    private HopperBlock() {}

    /** Pieces of work of a run. */
    public static long items(AttentionSpec spec, AttentionArguments a, HopperVariant variant) {
        return a.batch() * spec.queryHeads() * Math.ceilDiv(a.queries(), variant.rows());
    }

    /** Bytes of the buffer for work-groups that take work from a counter: zeros before the first run, and left so by each. */
    public static long ticketBytes(long groups) {
        return Tickets.BYTES + groups * MAPS_BYTES;
    }

    /**
     * How many of all make a section, from half of the most on: so that least is missing of the last, whose long pieces of work would
     * otherwise be dealt out when too little is left to go beside them.
     */
    static long evenly(long all, long most) {
        long best = most;
        for (long n = most; 2 * n > most; n--) {
            if (Math.ceilDiv(all, n) * n < Math.ceilDiv(all, best) * best) {
                best = n;
            }
        }
        return best;
    }

    /** {@code struct hopper_block}; the workspace of f32 operands holds their planes: queries, keys, values. */
    public static byte[] of(AttentionSpec spec, AttentionArguments a, HopperVariant variant) {
        boolean paged = spec.source().layout() == Layout.PAGED;
        int boxRows = paged ? (int) Math.min(variant.keys(), a.key().size(2)) : variant.keys();
        boolean bulk = variant.throughQueries() && TensorMap.takes(a.output());
        StructWriter w = new StructWriter();
        if (variant.planes() == 1) {
            TensorMap.write(w, a.query(), variant.rows());
            TensorMap.write(w, a.key(), boxRows);
            TensorMap.write(w, a.value(), boxRows);
        } else {
            ScaledPlanes planes = ScaledPlanes.of(a, variant.keys());
            planes.query().map(w, variant.rows());
            planes.key().map(w, variant.keys());
            planes.value().map(w, variant.keys());
        }
        if (bulk) {
            TensorMap.write(w, a.output(), 16);
        } else {
            for (int i = 0; i < 10; i++) {
                w.int64(0);
            }
        }
        long heads = a.batch() * spec.queryHeads();
        int itemsOfHead = Math.toIntExact(Math.ceilDiv(a.queries(), variant.rows()));
        long bytes = Math.max(1, a.keys() * (spec.headDim() + spec.valueDim()) * 2L * variant.planes());
        long group = Math.max(1, spec.queryHeads() / Math.max(spec.keyHeads(), spec.valueHeads()));
        long section = evenly(heads / group, Math.clamp(SECTION_BYTES / bytes, 1, heads / group)) * group;
        KeyBand band = KeyBand.of(spec.mask(), a.scalars());
        boolean growing = band.right() < KeyBand.UNLIMITED && band.left() == KeyBand.UNLIMITED;
        w.int32(Math.toIntExact(heads * itemsOfHead)).int32(itemsOfHead);
        w.int32(Math.toIntExact(heads)).int32(Math.toIntExact(section));
        w.flag(growing).int32(boxRows).flag(bulk);
        w.flag(HopperVariant.together(a.output(), WIDE))
                .int32(Math.toIntExact(a.batch()))
                .int32(0);
        if (variant.planes() == 1) {
            w.int64(0).int64(0).int64(0).int64(0);
        } else {
            ScaledPlanes planes = ScaledPlanes.of(a, variant.keys());
            w.int64(planes.query().factors()).int64(planes.key().factors());
            w.int64(planes.value().factors());
            w.int32(planes.query().pitch()).int32(planes.key().pitch());
        }
        return w.bytes();
    }
}
