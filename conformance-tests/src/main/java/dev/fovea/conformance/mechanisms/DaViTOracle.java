package dev.fovea.conformance.mechanisms;

import dev.fovea.mechanisms.local.DaViT.Over;
import java.util.Map;

/** Pixel by pixel; of channels, each output is the weighted sum of the pixel's query channels. */
public final class DaViTOracle implements Oracle {
    @Override
    public String id() {
        return "davit";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        Pixels pixels = new Pixels(p, 1e-5);
        boolean windows = p.parameter("attention", Over.class) == Over.WINDOW;
        double[] y = pixels.outputs((b, row, column) -> windows
                ? pixels.attend(pixels.token(b, row, column), pixels.window(b, row, column, p.integer("window")))
                : channels(p, pixels, b, row, column));
        return Map.of("output", y);
    }

    private static double[] channels(Problem p, Pixels pixels, int b, int row, int column) {
        int dim = p.size("C") / p.integer("heads");
        double[] query = pixels.projected(pixels.token(b, row, column), 0);
        double[] out = new double[p.size("C")];
        for (int i = 0; i < out.length; i++) {
            int channel = i;
            int first = i - i % dim;
            double[] weights = Rows.softmax(
                    1, 1, 1, dim, (b1, h1, i1, j) -> similar(p, pixels, b, channel, first + j) / Math.sqrt(dim));
            for (int j = 0; j < dim; j++) {
                out[i] += weights[j] * query[first + j];
            }
        }
        return out;
    }

    /** The product of a channel of the keys and one of the values over all pixels. */
    private static double similar(Problem p, Pixels pixels, int b, int key, int value) {
        double s = 0;
        for (int i = 0; i < p.size("Y") * p.size("X"); i++) {
            double[] token = pixels.token(b, i / p.size("X"), i % p.size("X"));
            s += pixels.projected(token, 1)[key] * pixels.projected(token, 2)[value];
        }
        return s;
    }
}
