package dev.fovea.mechanisms.local;

/**
 * A grid cut into square blocks from its first point on; those of the last row and column may reach beyond the grid.
 *
 * @param height points along the slow axis
 * @param width points along the fast axis
 * @param size points along each side of a block
 */
record Blocks(int height, int width, int size) {
    int rows() {
        return Math.ceilDiv(height, size);
    }

    int columns() {
        return Math.ceilDiv(width, size);
    }

    int count() {
        return rows() * columns();
    }

    /**
     * The points of each block and of a border around it, row-major, block after block; -1 outside of the grid.
     *
     * @param halo width of the border
     */
    int[] points(int halo) {
        int reach = size + 2 * halo;
        int[] points = new int[count() * reach * reach];
        for (int i = 0; i < points.length; i++) {
            int block = i / (reach * reach);
            int y = block / columns() * size - halo + i / reach % reach;
            int x = block % columns() * size - halo + i % reach;
            points[i] = y < 0 || y >= height || x < 0 || x >= width ? -1 : y * width + x;
        }
        return points;
    }

    /** Where each point of the grid stands in {@link #points} without a border. */
    int[] places() {
        int[] points = points(0);
        int[] places = new int[height * width];
        for (int i = 0; i < points.length; i++) {
            if (points[i] >= 0) {
                places[points[i]] = i;
            }
        }
        return places;
    }
}
