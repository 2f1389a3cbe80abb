package dev.fovea.kernels;

import dev.fovea.api.Tensor;
import dev.fovea.api.spec.RotaryArguments;
import dev.fovea.api.spec.RotarySpec;

/** Writes {@code struct rotary_block} as rotary.cl reads it. */
public final class RotaryBlock {
    private RotaryBlock() {}

    /** Work-items that a run needs. */
    public static long items(RotarySpec spec, RotaryArguments a) {
        Tensor x = a.input();
        return x.size(0) * x.size(1) * x.size(2) * (spec.dim() - spec.pairs());
    }

    public static byte[] of(RotarySpec spec, RotaryArguments a) {
        StructWriter w = new StructWriter().plane(a.input()).plane(a.output());
        Tensor p = a.positions();
        int axis = p.rank() - 2;
        w.int64(p.offset())
                .int64(axis == 0 ? 0 : AttentionBlock.stride(p, 0))
                .int64(AttentionBlock.stride(p, axis))
                .int64(AttentionBlock.stride(p, axis + 1));
        for (Tensor t : new Tensor[] {a.cosines(), a.sines()}) {
            w.int64(t.offset()).int64(AttentionBlock.stride(t, 0)).int64(AttentionBlock.stride(t, 1));
        }
        w.list(a.sections()).int64(items(spec, a));
        return w.int32(Math.toIntExact(a.input().size(1)))
                .int32(Math.toIntExact(a.input().size(2)))
                .int32(spec.pairs())
                .int32(spec.dim() - spec.rotaryDim())
                .bytes();
    }
}
