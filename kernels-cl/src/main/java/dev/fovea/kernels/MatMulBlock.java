package dev.fovea.kernels;

import dev.fovea.api.spec.MatMulArguments;

/**
 * A run of matmul.cl: {@code struct matmul_block} and the work-groups.
 *
 * @param turned whether the transposed product is computed, right by left, so that few columns become few rows
 * @param few whether the kernel of few rows runs
 * @param groups work-groups
 * @param bytes the struct
 */
public record MatMulBlock(boolean turned, boolean few, long groups, byte[] bytes) {
    /** Where a tile would be mostly empty. */
    private static final int FEW = 16;

    public static MatMulBlock of(MatMulArguments a, MatMulShape shape) {
        View left = View.of(a.left());
        View right = View.of(a.right());
        View output = View.of(a.output());
        // with two types the turned kernel would be another build
        boolean turned = output.size(3) <= FEW
                && output.size(3) < output.size(2)
                && a.left().dtype() == a.right().dtype();
        if (turned) {
            View l = left;
            left = right.transposed();
            right = l.transposed();
            output = output.transposed();
        }
        boolean few = output.size(2) <= FEW;
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
        long groups = output.sizes()[0] * output.sizes()[1] * rowTiles * columnTiles;
        return new MatMulBlock(turned, few, groups, w.bytes());
    }
}
