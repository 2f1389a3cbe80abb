package dev.fovea.kernels;

/**
 * How a work-group of matmul.cl is cut.
 *
 * @param groupRows work-items along the rows of a tile
 * @param groupColumns work-items along its columns
 * @param blocks 4 by 4 blocks of a work-item along each axis
 */
public record MatMulShape(int groupRows, int groupColumns, int blocks) {
    private static final int BLOCK = 4;
    private static final int ROW_NEIGHBOURS = 32;

    /** Rows that a work-group of matmul_rows makes. */
    static final int ROW_BLOCK = 4;

    /** The largest that runs with so many work-items, at least 32. */
    public static MatMulShape of(long mostWorkItems) {
        if (mostWorkItems >= 256) {
            return new MatMulShape(16, 16, 1);
        }
        return mostWorkItems >= 64 ? new MatMulShape(8, 8, 1) : new MatMulShape(4, 8, 1);
    }

    /** With tiles of twice the size each way, for matrices that fill a device with them; the sums are the same bits. */
    public MatMulShape larger() {
        return new MatMulShape(groupRows, groupColumns, 2 * blocks);
    }

    public int threads() {
        return groupRows * groupColumns;
    }

    int tileRows() {
        return BLOCK * blocks * groupRows;
    }

    int tileColumns() {
        return BLOCK * blocks * groupColumns;
    }

    /** Columns that a work-group of matmul_rows makes. */
    int rowColumns(boolean byInner) {
        return byInner ? threads() / ROW_NEIGHBOURS : ROW_NEIGHBOURS;
    }

    String defines() {
        return "#define GROUP_ROWS " + groupRows + "\n#define GROUP_COLUMNS " + groupColumns + "\n#define BLOCKS "
                + blocks + "\n";
    }
}
