package dev.fovea.conformance.mechanisms;

import dev.fovea.api.spec.RotarySpec.Pairing;
import java.util.Map;

/** Causal attention within documents and to the anchor, over vectors turned pair by pair. */
public final class AnchorAttentionOracle implements Oracle {
    @Override
    public String id() {
        return "anchorattention-2";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        int heads = p.size("H");
        int group = heads / p.size("Hk");
        double scale = 1 / Math.sqrt(p.size("D"));
        double[] o = Rows.attend(
                p.size("B"),
                heads,
                p.size("S"),
                p.size("S"),
                p.size("Dv"),
                (b, h, i, j) -> {
                    double document = p.at("document", b, j);
                    boolean visible = document == 0 || document == p.at("document", b, i);
                    return j > i || !visible ? Double.NEGATIVE_INFINITY : scale * dot(p, b, h, h / group, i, j);
                },
                (b, h, j, c) -> p.at("value", b, h / group, j, c));
        return Map.of("output", o);
    }

    private static double dot(Problem p, int b, int h, int hk, int i, int j) {
        double s = 0;
        for (int d = 0; d < p.size("D"); d++) {
            s += turned(p, "query", b, h, i, d) * turned(p, "key", b, hk, j, d);
        }
        return s;
    }

    private static double turned(Problem p, String name, int b, int h, int i, int d) {
        int pairs = p.size("R");
        double x = p.at(name, b, h, i, d);
        if (d >= 2 * pairs) {
            return x;
        }
        boolean halves = p.parameter("pairing", Pairing.class) == Pairing.HALVES;
        int pair = halves ? d % pairs : d / 2;
        boolean first = halves ? d < pairs : d % 2 == 0;
        int other = halves ? (d + pairs) % (2 * pairs) : d ^ 1;
        int position = (int) p.at("position", b, i);
        double turn = p.at("sine", position, pair) * p.at(name, b, h, i, other);
        return p.at("cosine", position, pair) * x + (first ? -turn : turn);
    }
}
