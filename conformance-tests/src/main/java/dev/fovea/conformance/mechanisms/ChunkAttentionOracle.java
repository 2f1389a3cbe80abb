package dev.fovea.conformance.mechanisms;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Each row gathers the tokens of its chunks and takes one softmax over them. */
public final class ChunkAttentionOracle implements Oracle {
    @Override
    public String id() {
        return "chunkattention";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        int[] first = p.integers("first");
        int[] end = p.integers("end");
        int[] filled = p.integers("filled");
        int group = p.size("H") / p.size("G");
        int dv = p.size("Dv");
        double[] o = new double[p.size("B") * p.size("H") * dv];
        for (int b = 0; b < p.size("B"); b++) {
            List<int[]> tokens = new ArrayList<>();
            for (int n = 0; n < first.length; n++) {
                for (int c = 0; c < filled[n] && b >= first[n] && b < end[n]; c++) {
                    tokens.add(new int[] {n, c});
                }
            }
            int row = b;
            double[] all = Rows.attend(
                    1,
                    p.size("H"),
                    1,
                    tokens.size(),
                    dv,
                    (x, h, i, j) -> score(p, row, h, group, tokens.get(j)),
                    (x, h, j, c) -> p.at("value", tokens.get(j)[0], h / group, tokens.get(j)[1], c));
            System.arraycopy(all, 0, o, b * all.length, all.length);
        }
        return Map.of("output", o);
    }

    private static double score(Problem p, int b, int h, int group, int[] token) {
        double s = 0;
        for (int d = 0; d < p.size("D"); d++) {
            s += p.at("query", b, h, 0, d) * p.at("key", token[0], h / group, token[1], d);
        }
        return s / Math.sqrt(p.size("D"));
    }
}
