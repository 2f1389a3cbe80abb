package dev.fovea.kernels;

import dev.fovea.api.Tensor;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.MergeArguments;

/** Writes {@code struct merge_block} as merge.cl reads it. */
public final class MergeBlock {
    private MergeBlock() {}

    public static byte[] of(MergeArguments a) {
        StructWriter w = new StructWriter();
        w.planeOfParts(a.maxima()).planeOfParts(a.sums()).planeOfParts(a.weights());
        w.planeOfParts(a.accumulators()).plane(a.output()).plane(a.logSumExp());
        w.int64(AttentionBlock.stride(a.maxima(), 0)).int64(AttentionBlock.stride(a.sums(), 0));
        w.int64(AttentionBlock.stride(a.weights(), 0)).int64(AttentionBlock.stride(a.accumulators(), 0));
        w.list(a.sinks());
        Tensor acc = a.accumulators();
        w.int32(Math.toIntExact(acc.size(0)))
                .int32(Math.toIntExact(acc.size(2)))
                .int32(Math.toIntExact(acc.size(3)))
                .int32(Math.toIntExact(acc.size(4)));
        return w.flag(a.sinks() != null)
                .flag(a.logSumExp() != null)
                .flag(KeyTables.aligned(a.output(), KvFormat.of(a.output().dtype()), 4))
                .int32(0)
                .bytes();
    }
}
