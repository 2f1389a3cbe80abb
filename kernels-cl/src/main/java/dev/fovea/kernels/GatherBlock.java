package dev.fovea.kernels;

import dev.fovea.api.DType;
import dev.fovea.api.HalfFloats;
import dev.fovea.api.spec.GatherArguments;
import dev.fovea.api.spec.GatherSpec;

/**
 * A run of gather.cl: {@code struct gather_block} and the work-groups.
 *
 * @param groups work-groups
 * @param bytes the struct
 */
public record GatherBlock(long groups, byte[] bytes) {
    private static final int UNIT_BYTES = 16;

    public static GatherBlock of(GatherSpec spec, GatherArguments a) {
        View source = View.of(a.source());
        View output = View.of(a.output());
        int unit = UNIT_BYTES / spec.dtype().bytes();
        boolean vectors = source.wholeUnits(unit) && output.wholeUnits(unit);
        int moves = vectors ? output.size(3) / unit : output.size(3);
        int lanes = Math.min(OperationKernels.GATHER_THREADS, ReduceBlock.powerOfTwo(moves));
        StructWriter w = new StructWriter();
        source.write(w);
        View.ofRows(a.indices()).write(w);
        output.write(w);
        output.writeRows(w);
        w.int32(output.countedRows()).int32(output.size(3)).int32(lanes);
        w.int32(fill(spec.dtype(), a.fill())).flag(vectors).int32(0);
        long rows = output.count() == 0 ? 0 : output.rows();
        return new GatherBlock(Math.ceilDiv(rows, OperationKernels.GATHER_THREADS / lanes), w.bytes());
    }

    /** The bits of the fill value, repeated over four bytes. */
    private static int fill(DType dtype, double value) {
        return switch (dtype) {
            case F32 -> Float.floatToRawIntBits((float) value);
            case F16 -> (Float.floatToFloat16((float) value) & 0xffff) * 0x10001;
            case BF16 -> (HalfFloats.toBf16((float) value) & 0xffff) * 0x10001;
            case I32 -> (int) value;
            case BOOL, BYTE -> value == 0 ? 0 : 0x01010101;
        };
    }
}
