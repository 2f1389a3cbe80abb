package dev.fovea.conformance.mechanisms;

import java.util.Map;

/** A group is visible if fewer groups than the limit have a larger cosine, or the same and a lower index. */
public final class TcpaOracle implements Oracle {
    @Override
    public String id() {
        return "tcpa";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        return Map.of("output", Rows.attend(p, (b, h, i, j) -> visible(p, b, i, j)));
    }

    private static boolean visible(Problem p, int b, int i, int j) {
        int prompt = j - 1;
        int classPrompts = p.size("Pc") * p.integer("class_length");
        int imagePrompts = p.size("Pi") * p.integer("image_length");
        if (prompt < 0 || prompt >= classPrompts + imagePrompts) {
            return true;
        }
        boolean ofClass = prompt < classPrompts;
        if (ofClass != (i == 0)) {
            return false;
        }
        return ofClass
                ? among(p, "class_key", p.size("Pc"), b, i, prompt / p.integer("class_length"), p.integer("class_top"))
                : among(
                        p,
                        "image_key",
                        p.size("Pi"),
                        b,
                        i,
                        (prompt - classPrompts) / p.integer("image_length"),
                        p.integer("image_top"));
    }

    private static boolean among(Problem p, String keys, int groups, int b, int i, int group, int limit) {
        int better = 0;
        double own = cosine(p, keys, b, i, group);
        for (int g = 0; g < groups; g++) {
            double other = cosine(p, keys, b, i, g);
            better += other > own || other == own && g < group ? 1 : 0;
        }
        return better < limit;
    }

    private static double cosine(Problem p, String keys, int b, int i, int group) {
        double dot = 0;
        double token = 0;
        double key = 0;
        for (int c = 0; c < p.size("C"); c++) {
            double x = p.at("token", b, i, c);
            double y = p.at(keys, group, c);
            dot += x * y;
            token += x * x;
            key += y * y;
        }
        return dot / Math.sqrt(token * key);
    }
}
