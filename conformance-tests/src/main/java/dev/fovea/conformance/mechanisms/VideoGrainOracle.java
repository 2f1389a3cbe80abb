package dev.fovea.conformance.mechanisms;

import dev.fovea.mechanisms.softmax.VideoGrain.Share;
import java.util.Arrays;
import java.util.Map;

/** Row by row: all scores, their extremes, the moved scores. */
public final class VideoGrainOracle implements Oracle {
    @Override
    public String id() {
        return "videograin";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        double[] o = Rows.attend(
                p.size("B"),
                p.size("H"),
                p.size("Sq"),
                p.size("Sk"),
                p.size("Dv"),
                (b, h, i, j) -> moved(p, b, h, i, j),
                (b, h, j, c) -> p.at("value", b, h, j, c));
        return Map.of("output", o);
    }

    private static double moved(Problem p, int b, int h, int i, int j) {
        double[] s = new double[p.size("Sk")];
        Arrays.setAll(s, k -> Rows.dot(p, "query", "key", b, h, i, k) / Math.sqrt(p.size("D")));
        double time = (p.real("timestep") - 1) / 1000;
        double weight = p.real("strength") * time * time * time * time * time * size(p, b, i, j);
        return p.at("pair", b, i, j) != 0
                ? s[j] + weight * (Arrays.stream(s).max().orElseThrow() - s[j])
                : s[j] - weight * (s[j] - Arrays.stream(s).min().orElseThrow());
    }

    private static double size(Problem p, int b, int i, int j) {
        boolean ofQuery = p.parameter("share", Share.class) == Share.QUERY;
        int count = p.size(ofQuery ? "Sk" : "Sq");
        double together = 0;
        for (int n = 0; n < count; n++) {
            together += ofQuery ? p.at("pair", b, i, n) : p.at("pair", b, n, j);
        }
        return 1 - together / count;
    }
}
