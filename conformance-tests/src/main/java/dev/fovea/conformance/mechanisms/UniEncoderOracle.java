package dev.fovea.conformance.mechanisms;

import dev.fovea.mechanisms.cache.UniEncoder.Mask;
import java.util.Map;

/** Context and candidates: visible(i, j) = j in the context, or i in the context, or one candidate. */
public final class UniEncoderOracle implements Oracle {
    @Override
    public String id() {
        return "uni-encoder";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        Mask mask = p.parameter("mask", Mask.class);
        double scale = 1 / Math.sqrt(p.size("D"));
        double[] o = Rows.attend(
                p.size("B"),
                p.size("H"),
                p.size("S"),
                p.size("S"),
                p.size("Dv"),
                (b, h, i, j) -> visible(mask, (int) p.at("segment", b, i), (int) p.at("segment", b, j))
                        ? scale * Rows.dot(p, "query", "key", b, h, i, j)
                        : Double.NEGATIVE_INFINITY,
                (b, h, j, c) -> p.at("value", b, h, j, c));
        return Map.of("output", o);
    }

    private static boolean visible(Mask mask, int query, int key) {
        if (query < 0 || key < 0) {
            return false;
        }
        return switch (mask) {
            case SQUARE -> true;
            case DIAGONAL -> query == key;
            case ARROW -> query == 0 || key == 0 || query == key;
        };
    }
}
