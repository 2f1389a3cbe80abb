package dev.fovea.kernels;

import dev.fovea.api.Tensor;
import dev.fovea.api.spec.MatMulArguments;

/**
 * A run of matmul.cl: {@code struct matmul_block} and the work-groups.
 *
 * @param turned whether the transposed product is computed, right by left, so that the few columns become few rows
 * @param few whether the kernel of few rows runs
 * @param groups work-groups
 * @param bytes the struct
 */
public record MatMulBlock(boolean turned, boolean few, long groups, byte[] bytes) {
    /** Where a tile would be mostly empty. */
    private static final int FEW = 16;

    public static MatMulBlock of(MatMulArguments a, MatMulShape shape) {
        int m = size(a.output(), 2);
        int n = size(a.output(), 1);
        boolean few = Math.min(m, n) <= FEW;
        boolean turned = few && n < m;
        View left = turned ? View.of(a.right()).transposed() : View.of(a.left());
        View right = turned ? View.of(a.left()).transposed() : View.of(a.right());
        View output = turned ? View.of(a.output()).transposed() : View.of(a.output());
        boolean leftByInner = !left.rowsAreNearer();
        boolean rightByInner = right.rowsAreNearer();
        long rowTiles = Math.ceilDiv(output.sizes()[2], few ? MatMulShape.ROW_BLOCK : shape.tileRows());
        long columnTiles = Math.ceilDiv(output.sizes()[3], few ? shape.rowColumns(rightByInner) : shape.tileColumns());
        StructWriter w = new StructWriter();
        left.write(w);
        right.write(w);
        output.write(w);
        w.int32(output.size(1)).int32(output.size(2)).int32(output.size(3)).int32(left.size(3));
        w.int32(Math.toIntExact(rowTiles)).int32(Math.toIntExact(columnTiles));
        w.flag(leftByInner).flag(rightByInner);
        return new MatMulBlock(turned, few, output.sizes()[0] * output.sizes()[1] * rowTiles * columnTiles, w.bytes());
    }

    private static int size(Tensor t, int fromLast) {
        return Math.toIntExact(t.size(t.rank() - fromLast));
    }
}
