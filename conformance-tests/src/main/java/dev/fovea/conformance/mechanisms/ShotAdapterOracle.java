package dev.fovea.conformance.mechanisms;

import java.util.Map;

/** By the pair of kinds: what a video token, a text and a transition see of each other. */
public final class ShotAdapterOracle implements Oracle {
    @Override
    public String id() {
        return "shotadapter";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        double scale = 1 / Math.sqrt(p.size("D"));
        double[] o = Rows.attend(
                p.size("B"),
                p.size("H"),
                p.size("N"),
                p.size("N"),
                p.size("Dv"),
                (b, h, i, j) -> visible(p, b, i, j)
                        ? scale * Rows.dot(p, "query", "key", b, h, i, j)
                        : Double.NEGATIVE_INFINITY,
                (b, h, j, c) -> p.at("value", b, h, j, c));
        return Map.of("output", o);
    }

    private static boolean visible(Problem p, int b, int i, int j) {
        boolean sameShot = p.at("shot", b, i) == p.at("shot", b, j);
        return switch ((int) p.at("kind", b, i)) {
            case 0 ->
                switch ((int) p.at("kind", b, j)) {
                    case 0 -> true;
                    case 1 -> sameShot;
                    default -> atCut(p, b, j, i);
                };
            case 1 -> p.at("kind", b, j) <= 1 && sameShot;
            default -> i == j || p.at("kind", b, j) == 0 && atCut(p, b, i, j);
        };
    }

    private static boolean atCut(Problem p, int b, int transition, int video) {
        double past = p.at("frame", b, video) - p.at("frame", b, transition);
        return past < 0 ? -past <= p.integer("before") : past + 1 <= p.integer("after");
    }
}
