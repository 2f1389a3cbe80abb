package dev.fovea.kernels;

import dev.fovea.api.Tensor;
import dev.fovea.api.spec.TransferArguments;
import dev.fovea.api.spec.TransferSpec;

/** Writes {@code struct transfer_block} as transfer.cl reads it. */
public final class TransferBlock {
    private TransferBlock() {}

    public static byte[] of(TransferSpec spec, TransferArguments a) {
        StructWriter w = new StructWriter();
        w.plane(a.source()).plane(a.sourceScales()).plane(a.sourceZeros());
        w.plane(a.target()).plane(a.targetScales()).plane(a.targetZeros());
        slots(w, a.sourceSlots());
        slots(w, a.targetSlots());
        return w.int32(spec.heads())
                .int32(spec.dim())
                .int32(spec.from().elements(spec.dim()))
                .int32(Math.toIntExact(a.source().size(2)))
                .int32(Math.toIntExact(a.target().size(2)))
                .flag(KeyTables.aligned(a.source(), spec.from(), 4))
                .bytes();
    }

    private static void slots(StructWriter w, Tensor t) {
        boolean perHead = t.rank() == 2;
        w.int64(t.offset())
                .int64(perHead ? AttentionBlock.stride(t, 0) : 0)
                .int64(AttentionBlock.stride(t, perHead ? 1 : 0));
    }
}
