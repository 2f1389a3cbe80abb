package dev.fovea.kernels;

import dev.fovea.api.Tensor;
import dev.fovea.api.spec.MapArguments;

/** Writes {@code struct map_block} as map.cl reads it. */
public final class MapBlock {
    private static final long INDEXABLE = 1L << 31;

    private MapBlock() {}

    /** Work-groups of a run. */
    public static long groups(MapArguments a) {
        return Math.ceilDiv(
                View.of(a.output()).count(), (long) OperationKernels.MAP_THREADS * OperationKernels.MAP_ELEMENTS);
    }

    /** Whether a distance inside one of the tensors, or an index of all elements, needs 64 bits. */
    public static boolean needsWide(MapArguments a) {
        long most = groups(a) * OperationKernels.MAP_THREADS * OperationKernels.MAP_ELEMENTS;
        boolean wide = most >= INDEXABLE || a.output().span() >= INDEXABLE;
        for (Tensor t : a.captures().values()) {
            wide |= t.span() >= INDEXABLE;
        }
        return wide;
    }

    public static byte[] of(MapArguments a) {
        View output = View.of(a.output());
        StructWriter w = new StructWriter();
        output.write(w);
        w.int64(output.count());
        output.writeRows(w);
        View.writeDivisor(w, output.size(3));
        return w.bytes();
    }
}
