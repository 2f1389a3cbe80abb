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
        return Map.of(
                "output",
                Rows.attend(
                        p, (b, h, i, j) -> visible(mask, (int) p.at("segment", b, i), (int) p.at("segment", b, j))));
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
