package dev.fovea.mechanisms.local;

import dev.fovea.api.Mapping;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;

/** A depthwise 3 x 3 convolution added to its input, zeros beyond the image: a position embedding made of content (CPE, Chu et al. 2021). */
final class PositionConvolution {
    private PositionConvolution() {}

    /**
     * {@code x + conv(x) + bias}.
     *
     * @param x [B, Y, X, C]
     * @param kernel [3, 3, C]: as a cross-correlation, the centre at [1, 1]
     * @param bias [C]
     */
    static Tensor of(Operations ops, Tensor x, Tensor kernel, Tensor bias) {
        long channels = x.size(3);
        int height = Math.toIntExact(x.size(1));
        int width = Math.toIntExact(x.size(2));
        Tensor pixels = ops.reshape(x, x.size(0), (long) height * width, channels);
        Tensor framed =
                ops.reshape(ops.gather(pixels, framed(height, width), 0), x.size(0), height + 2, width + 2, channels);
        StringBuilder text = new StringBuilder("x[b, h, q, d] + bias[d]");
        for (int i = 0; i < 9; i++) {
            text.append(" + x%d[b, h, q, d] * kernel[%d, %d, d]".formatted(i, i / 3, i % 3));
        }
        Mapping sum = ops.map(text.toString()).with("x", x).with("bias", bias).with("kernel", kernel);
        for (int i = 0; i < 9; i++) {
            Tensor rows = ops.slice(framed, 1, i / 3, i / 3 + height);
            sum.with("x" + i, ops.slice(rows, 2, i % 3, i % 3 + width));
        }
        return sum.like(x);
    }

    /** The pixels of an image with a frame of -1 around them. */
    private static int[] framed(int height, int width) {
        int[] points = new int[(height + 2) * (width + 2)];
        for (int i = 0; i < points.length; i++) {
            int y = i / (width + 2) - 1;
            int x = i % (width + 2) - 1;
            points[i] = y < 0 || y >= height || x < 0 || x >= width ? -1 : y * width + x;
        }
        return points;
    }
}
