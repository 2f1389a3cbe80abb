package dev.fovea.mechanisms.local;

import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import java.util.ArrayList;
import java.util.List;

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
        List<String> terms = new ArrayList<>(List.of("x[b, h, q, d]", "bias[d]"));
        for (int i = -1; i <= 1; i++) {
            for (int j = -1; j <= 1; j++) {
                String pixel = "x[b, " + at("h", i) + ", " + at("q", j) + ", d]";
                String product = pixel + " * kernel[" + (i + 1) + ", " + (j + 1) + ", d]";
                List<String> inside = new ArrayList<>();
                border(inside, "h", i, "height");
                border(inside, "q", j, "width");
                terms.add(
                        inside.isEmpty()
                                ? product
                                : "select(" + String.join(" && ", inside) + ", " + product + ", 0.0)");
            }
        }
        return ops.map(String.join(" + ", terms))
                .with("x", x)
                .with("bias", bias)
                .with("kernel", kernel)
                .with("height", Math.toIntExact(x.size(1)))
                .with("width", Math.toIntExact(x.size(2)))
                .like(x);
    }

    private static String at(String index, int step) {
        return step == 0 ? index : index + " + " + step;
    }

    private static void border(List<String> conditions, String index, int step, String size) {
        if (step != 0) {
            conditions.add(step < 0 ? "1 <= " + index : index + " + 1 < " + size);
        }
    }
}
