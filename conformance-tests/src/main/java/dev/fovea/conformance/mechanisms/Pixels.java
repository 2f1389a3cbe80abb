package dev.fovea.conformance.mechanisms;

/** A block of an image model up to its attention, pixel by pixel: what DaViT and Twins have in common. */
final class Pixels {
    private final Problem p;
    private final double epsilon;
    private final int height;
    private final int width;
    private final int channels;

    Pixels(Problem p, double epsilon) {
        this.p = p;
        this.epsilon = epsilon;
        this.height = p.size("Y");
        this.width = p.size("X");
        this.channels = p.size("C");
    }

    /** What a pixel attends with and to, if it is there: its normalised tokens. */
    interface Attended {
        /** The output of attention before the last projection. */
        double[] at(int b, int y, int x);
    }

    boolean inside(int y, int x) {
        return y >= 0 && y < height && x >= 0 && x < width;
    }

    /** {@code x + conv(x) + bias} of a pixel. */
    double[] positioned(int b, int y, int x) {
        double[] u = new double[channels];
        for (int c = 0; c < channels; c++) {
            u[c] = p.at("image", b, y, x, c) + p.at("position_bias", c);
            for (int dy = -1; dy <= 1; dy++) {
                for (int dx = -1; dx <= 1; dx++) {
                    if (inside(y + dy, x + dx)) {
                        u[c] += p.at("position_kernel", dy + 1, dx + 1, c) * p.at("image", b, y + dy, x + dx, c);
                    }
                }
            }
        }
        return u;
    }

    /** The normalised token of a pixel; zeros beyond the image. */
    double[] token(int b, int y, int x) {
        return inside(y, x) ? norm(positioned(b, y, x), "norm_gain", "norm_bias", epsilon) : new double[channels];
    }

    double[] norm(double[] x, String gain, String bias, double epsilon) {
        double mean = 0;
        double variance = 0;
        for (double v : x) {
            mean += v / x.length;
        }
        for (double v : x) {
            variance += (v - mean) * (v - mean) / x.length;
        }
        double[] out = new double[x.length];
        for (int c = 0; c < x.length; c++) {
            out[c] = (x[c] - mean) / Math.sqrt(variance + epsilon) * p.at(gain, c) + p.at(bias, c);
        }
        return out;
    }

    /** A token through the layer of this number: 0 query, 1 key, 2 value, 3 output. */
    double[] projected(double[] x, int layer) {
        double[] out = new double[channels];
        for (int c = 0; c < channels; c++) {
            out[c] = p.at("bias", layer, c);
            for (int r = 0; r < channels; r++) {
                out[c] += x[r] * p.at("weight", layer, r, c);
            }
        }
        return out;
    }

    /** Attention of a token to others by all heads, before the last projection. */
    double[] attend(double[] token, double[][] others) {
        int heads = p.integer("heads");
        int dim = channels / heads;
        double[] query = projected(token, 0);
        double[] out = new double[channels];
        for (int head = 0; head < heads; head++) {
            int first = head * dim;
            double[] weights = Rows.softmax(1, 1, 1, others.length, (b, h, i, j) -> {
                double[] key = projected(others[j], 1);
                double s = 0;
                for (int c = first; c < first + dim; c++) {
                    s += query[c] * key[c];
                }
                return s / Math.sqrt(dim);
            });
            for (int j = 0; j < others.length; j++) {
                double[] value = projected(others[j], 2);
                for (int c = first; c < first + dim; c++) {
                    out[c] += weights[j] * value[c];
                }
            }
        }
        return out;
    }

    /** The tokens of the window around a pixel, in the image or not. */
    double[][] window(int b, int y, int x, int size) {
        double[][] tokens = new double[size * size][];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = token(b, y - y % size + i / size, x - x % size + i % size);
        }
        return tokens;
    }

    /** {@code u + attended Wo + bo} of all pixels. */
    double[] outputs(Attended attended) {
        double[] y = new double[p.size("B") * height * width * channels];
        for (int i = 0; i < y.length / channels; i++) {
            int b = i / (height * width);
            int row = i / width % height;
            double[] u = positioned(b, row, i % width);
            double[] o = projected(attended.at(b, row, i % width), 3);
            for (int c = 0; c < channels; c++) {
                y[i * channels + c] = u[c] + o[c];
            }
        }
        return y;
    }
}
