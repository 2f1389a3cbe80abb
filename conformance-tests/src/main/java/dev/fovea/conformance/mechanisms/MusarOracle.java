package dev.fovea.conformance.mechanisms;

import java.util.Map;

/** Routing from the map of unmasked weights, then one softmax over what a token may see. */
public final class MusarOracle implements Oracle {
    private static final int NOISE = -1;
    private static final int PROMPT = 0;

    @Override
    public String id() {
        return "musar";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        int tokens = p.size("S");
        int heads = p.size("H");
        double scale = 1 / Math.sqrt(p.size("D"));
        Rows.Score score = (b, h, i, j) -> scale * Rows.dot(p, "query", "key", b, h, i, j);
        double[] map = Rows.softmax(p.size("B"), heads, tokens, tokens, score);
        int[][] winners = new int[p.size("B")][tokens];
        for (int b = 0; b < winners.length; b++) {
            for (int x = 0; x < tokens; x++) {
                winners[b][x] = winner(p, map, b, x);
            }
        }
        double[] o = Rows.attend(
                p.size("B"),
                heads,
                tokens,
                tokens,
                p.size("Dv"),
                (b, h, i, j) -> visible(p, winners[b], b, i, j) ? score.at(b, h, i, j) : Double.NEGATIVE_INFINITY,
                (b, h, j, c) -> p.at("value", b, h, j, c));
        return Map.of("output", o);
    }

    private static int winner(Problem p, double[] map, int b, int x) {
        int tokens = p.size("S");
        int best = 0;
        double most = -1;
        for (int condition = 1; condition <= p.integer("conditions"); condition++) {
            double sum = 0;
            int count = 0;
            for (int h = 0; h < p.size("H"); h++) {
                for (int j = 0; j < tokens; j++) {
                    if (p.at("segment", b, j) == condition) {
                        sum += map[((b * p.size("H") + h) * tokens + x) * tokens + j];
                        count++;
                    }
                }
            }
            if (count > 0 && sum / count > most) {
                most = sum / count;
                best = condition;
            }
        }
        return best;
    }

    private static boolean visible(Problem p, int[] winners, int b, int i, int j) {
        int query = (int) p.at("segment", b, i);
        int key = (int) p.at("segment", b, j);
        if (query == NOISE && key > PROMPT) {
            return winners[i] == key;
        }
        if (query > PROMPT && key == NOISE) {
            return !p.flag("symmetric") || winners[j] == query;
        }
        return query == key || query == NOISE || key == NOISE;
    }
}
