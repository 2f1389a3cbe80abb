package dev.fovea.cpu;

/** Between rows and lanes. Four rows at a time, so that neighbouring elements of the lanes are written together. */
final class Transpose {
    private Transpose() {}

    /** {@code lanes[d][r] = rows[r][d] * factor}; the number of lanes is a multiple of 4. */
    static void toLanes(float[] rows, int dim, float factor, float[] lanes, int count) {
        for (int r = 0; r < count; r += 4) {
            toFourLanes(rows, r * dim, dim, factor, lanes, r, count);
        }
    }

    private static void toFourLanes(float[] rows, int a, int dim, float factor, float[] lanes, int first, int pitch) {
        int b = a + dim;
        int c = b + dim;
        int e = c + dim;
        for (int d = 0; d < dim; d++) {
            int at = first + d * pitch;
            lanes[at] = rows[a + d] * factor;
            lanes[at + 1] = rows[b + d] * factor;
            lanes[at + 2] = rows[c + d] * factor;
            lanes[at + 3] = rows[e + d] * factor;
        }
    }

    /** {@code lanes[d][r] = rows[r][d]}; the number of lanes is a multiple of 4. */
    static void toLanes(int[] rows, int dim, int[] lanes, int count) {
        for (int r = 0; r < count; r += 4) {
            toFourLanes(rows, r * dim, dim, lanes, r, count);
        }
    }

    private static void toFourLanes(int[] rows, int a, int dim, int[] lanes, int first, int pitch) {
        int b = a + dim;
        int c = b + dim;
        int e = c + dim;
        for (int d = 0; d < dim; d++) {
            int at = first + d * pitch;
            lanes[at] = rows[a + d];
            lanes[at + 1] = rows[b + d];
            lanes[at + 2] = rows[c + d];
            lanes[at + 3] = rows[e + d];
        }
    }

    /** {@code rows[r][d] = lanes[d][r] * factor[r]}. */
    static void fromLanes(float[] lanes, int count, float[] factor, float[] rows, int dim) {
        for (int r = 0; r < count; r += 4) {
            fromFourLanes(lanes, r, count, factor, rows, r * dim, dim);
        }
    }

    private static void fromFourLanes(
            float[] lanes, int first, int pitch, float[] factor, float[] rows, int a, int dim) {
        float f = factor[first];
        float g = factor[first + 1];
        float h = factor[first + 2];
        float i = factor[first + 3];
        int b = a + dim;
        int c = b + dim;
        int e = c + dim;
        for (int d = 0; d < dim; d++) {
            int at = first + d * pitch;
            rows[a + d] = lanes[at] * f;
            rows[b + d] = lanes[at + 1] * g;
            rows[c + d] = lanes[at + 2] * h;
            rows[e + d] = lanes[at + 3] * i;
        }
    }
}
