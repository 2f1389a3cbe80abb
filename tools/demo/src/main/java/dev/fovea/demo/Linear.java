package dev.fovea.demo;

import java.util.Arrays;
import java.util.stream.IntStream;

/** A linear layer, y = x·W + b. */
final class Linear {
    // a W tile of 8 x 384 floats stays in L1 while a chunk of 32 rows passes over it; each row's outputs are then
    // read and written once for eight products, which keeps the loop from being bound by its stores
    private static final int ROWS = 32;
    private static final int DEPTH = 8;
    private static final int WIDTH = 384;

    private final float[] weight;
    private final float[] bias;

    /**
     * @param weight W, row-major [in, out]
     * @param bias b, [out]
     */
    Linear(float[] weight, float[] bias) {
        if (bias.length == 0 || weight.length % bias.length != 0) {
            throw new IllegalArgumentException(
                    "a linear layer of " + bias.length + " outputs cannot have " + weight.length + " weights");
        }
        this.weight = weight;
        this.bias = bias;
    }

    int in() {
        return weight.length / bias.length;
    }

    int out() {
        return bias.length;
    }

    /**
     * Applies the layer to each row.
     *
     * @param x [rows, in]
     * @return [rows, out]
     */
    float[] apply(float[] x) {
        int rows = x.length / in();
        float[] y = new float[rows * out()];
        IntStream.range(0, Math.ceilDiv(rows, ROWS))
                .parallel()
                .forEach(chunk -> applyRows(x, y, chunk * ROWS, Math.min(rows, (chunk + 1) * ROWS)));
        return y;
    }

    private void applyRows(float[] x, float[] y, int from, int to) {
        float[] tile = new float[DEPTH * WIDTH];
        float[][] sums = new float[to - from][WIDTH];
        for (int j = 0; j < out(); j += WIDTH) {
            int width = Math.min(WIDTH, out() - j);
            for (float[] sum : sums) {
                System.arraycopy(bias, j, sum, 0, width);
            }
            for (int k = 0; k < in(); k += DEPTH) {
                int depth = Math.min(DEPTH, in() - k);
                if (depth < DEPTH) {
                    Arrays.fill(tile, 0);
                }
                for (int i = 0; i < depth; i++) {
                    System.arraycopy(weight, (k + i) * out() + j, tile, i * WIDTH, width);
                }
                for (int r = from; r < to; r++) {
                    addProducts(sums[r - from], x, r * in() + k, depth, tile);
                }
            }
            for (int r = from; r < to; r++) {
                System.arraycopy(sums[r - from], 0, y, r * out() + j, width);
            }
        }
    }

    private static void addProducts(float[] sum, float[] x, int at, int depth, float[] tile) {
        float x0 = x[at];
        float x1 = depth > 1 ? x[at + 1] : 0;
        float x2 = depth > 2 ? x[at + 2] : 0;
        float x3 = depth > 3 ? x[at + 3] : 0;
        float x4 = depth > 4 ? x[at + 4] : 0;
        float x5 = depth > 5 ? x[at + 5] : 0;
        float x6 = depth > 6 ? x[at + 6] : 0;
        float x7 = depth > 7 ? x[at + 7] : 0;
        // constant bounds and offsets: with variable ones C2 leaves this loop scalar, three times slower
        for (int j = 0; j < WIDTH; j++) {
            float s = Math.fma(x0, tile[j], sum[j]);
            s = Math.fma(x1, tile[j + WIDTH], s);
            s = Math.fma(x2, tile[j + 2 * WIDTH], s);
            s = Math.fma(x3, tile[j + 3 * WIDTH], s);
            s = Math.fma(x4, tile[j + 4 * WIDTH], s);
            s = Math.fma(x5, tile[j + 5 * WIDTH], s);
            s = Math.fma(x6, tile[j + 6 * WIDTH], s);
            sum[j] = Math.fma(x7, tile[j + 7 * WIDTH], s);
        }
    }
}
