package dev.fovea.conformance.mechanisms;

import dev.fovea.mechanisms.local.Twins.Over;
import java.util.Map;

/** Pixel by pixel; the convolution of a patch is summed over its pixels. */
public final class TwinsOracle implements Oracle {
    @Override
    public String id() {
        return "twins";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        Pixels pixels = new Pixels(p, 1e-6);
        int size = p.integer("size");
        boolean local = p.parameter("attention", Over.class) == Over.LOCAL;
        double[] y = pixels.outputs((b, row, column) -> pixels.attend(
                pixels.token(b, row, column),
                local ? pixels.window(b, row, column, size) : reduced(p, pixels, b, size)));
        return Map.of("output", y);
    }

    private static double[][] reduced(Problem p, Pixels pixels, int b, int size) {
        int columns = p.size("X") / size;
        double[][] all = new double[p.size("Y") / size * columns][];
        for (int n = 0; n < all.length; n++) {
            int top = n / columns * size;
            int left = n % columns * size;
            all[n] = size == 1 ? pixels.token(b, top, left) : patch(p, pixels, b, top, left);
        }
        return all;
    }

    private static double[] patch(Problem p, Pixels pixels, int b, int top, int left) {
        int size = p.integer("size");
        int channels = p.size("C");
        double[] sum = new double[channels];
        for (int c = 0; c < channels; c++) {
            sum[c] = p.at("patch_bias", c);
        }
        for (int i = 0; i < size; i++) {
            for (int j = 0; j < size; j++) {
                double[] token = pixels.token(b, top + i, left + j);
                for (int from = 0; from < channels; from++) {
                    for (int to = 0; to < channels; to++) {
                        sum[to] += token[from] * p.at("patch_weight", (i * size + j) * channels + from, to);
                    }
                }
            }
        }
        return pixels.norm(sum, "patch_norm_gain", "patch_norm_bias", 1e-5);
    }
}
