package dev.fovea.conformance.mechanisms;

import dev.fovea.mechanisms.softmax.MinTransformer.Form;
import java.util.Map;

/** {@code softmax(x_h W_h x_h' / sqrt(D)) x_h}. */
public final class MinTransformerOracle implements Oracle {
    @Override
    public String id() {
        return "mintransformer";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        int tokens = p.size("S");
        int heads = p.size("H");
        int dim = p.size("D");
        double[] out = new double[p.size("B") * tokens * heads * dim];
        double[] o = Rows.attend(
                p.size("B"),
                heads,
                tokens,
                tokens,
                dim,
                (b, h, i, j) -> {
                    double s = 0;
                    for (int r = 0; r < dim; r++) {
                        for (int c = 0; c < dim; c++) {
                            s += p.at("x", b, i, h * dim + r) * weight(p, h, r, c) * p.at("x", b, j, h * dim + c);
                        }
                    }
                    return s / Math.sqrt(dim);
                },
                (b, h, j, c) -> p.at("x", b, j, h * dim + c));
        for (int at = 0; at < o.length; at++) {
            int c = at % dim;
            int i = at / dim % tokens;
            int h = at / dim / tokens % heads;
            int b = at / dim / tokens / heads;
            out[((b * tokens + i) * heads + h) * dim + c] = o[at];
        }
        return Map.of("output", out);
    }

    private static double weight(Problem p, int h, int r, int c) {
        return switch (p.parameter("form", Form.class)) {
            case ASYMMETRIC -> p.at("weight", h, r, c);
            case SYMMETRIC -> (p.at("weight", h, r, c) + p.at("weight", h, c, r)) / 2;
            case FACTORED -> {
                double s = 0;
                for (int m = 0; m < p.size("D"); m++) {
                    s += p.at("weight", h, r, m) * p.at("weight", h, c, m);
                }
                yield s;
            }
        };
    }
}
