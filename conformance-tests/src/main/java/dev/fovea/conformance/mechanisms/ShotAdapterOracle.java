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
        return Map.of("output", Rows.attend(p, (b, h, i, j) -> visible(p, b, i, j)));
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
