package dev.fovea.conformance.mechanisms;

import dev.fovea.api.spec.RotarySpec.Pairing;
import java.util.Map;

/** Each meta-token attends to the meta-tokens up to itself; turning by the tables at the places of the full sequence. */
public final class MetaTokensOracle implements Oracle {
    @Override
    public String id() {
        return "metatokens";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        int heads = p.size("H");
        int group = heads / p.size("Hk");
        double[] o = Rows.attend(
                p.size("B"),
                heads,
                p.size("S"),
                p.size("S"),
                p.size("Dv"),
                (b, h, i, j) -> p.at("meta", b, i) == 0 || p.at("meta", b, j) == 0 || j > i
                        ? Double.NEGATIVE_INFINITY
                        : dot(p, b, h, h / group, i, j) / Math.sqrt(p.size("D")),
                (b, h, j, c) -> p.at("value", b, h / group, j, c));
        return Map.of("output", o);
    }

    private static double dot(Problem p, int b, int h, int hk, int i, int j) {
        int pairs = p.size("R");
        boolean halves = p.parameter("pairing", Pairing.class) == Pairing.HALVES;
        double s = 0;
        for (int r = 0; r < pairs; r++) {
            int first = halves ? r : 2 * r;
            int second = halves ? r + pairs : 2 * r + 1;
            double[] q = turned(p, r, i, p.at("query", b, h, i, first), p.at("query", b, h, i, second));
            double[] k = turned(p, r, j, p.at("key", b, hk, j, first), p.at("key", b, hk, j, second));
            s += q[0] * k[0] + q[1] * k[1];
        }
        for (int d = 2 * pairs; d < p.size("D"); d++) {
            s += p.at("query", b, h, i, d) * p.at("key", b, hk, j, d);
        }
        return s;
    }

    private static double[] turned(Problem p, int pair, int position, double x, double y) {
        double c = p.at("cosine", position, pair);
        double s = p.at("sine", position, pair);
        return new double[] {x * c - y * s, y * c + x * s};
    }
}
