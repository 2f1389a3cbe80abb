package dev.fovea.conformance.mechanisms;

import java.util.Map;

/** One softmax over the references, each sampled where it is needed, and the target. */
public final class IrDiffusionOracle implements Oracle {
    @Override
    public String id() {
        return "ir-diffusion";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        int n = p.size("N");
        int references = p.size("C") * n;
        double[] o = Rows.attend(
                p.size("B"),
                p.size("H"),
                n,
                references + n,
                p.size("Dv"),
                (b, h, i, j) -> {
                    if (!visible(p, b, i, j)) {
                        return Double.NEGATIVE_INFINITY;
                    }
                    double s = 0;
                    for (int d = 0; d < p.size("D"); d++) {
                        s += p.at("query", b, h, i, d) * element(p, "key", b, h, j, d);
                    }
                    return s / Math.sqrt(p.size("D"));
                },
                (b, h, j, c) -> j >= references || inBox(p, b, j / n, j % n) ? element(p, "value", b, h, j, c) : 0);
        return Map.of("output", o);
    }

    private static boolean visible(Problem p, int b, int i, int j) {
        int n = p.size("N");
        int references = p.size("C") * n;
        double own = p.at("subject", b, i);
        if (j >= references) {
            double other = p.at("subject", b, j - references);
            return own == 0 || other == 0 || own == other;
        }
        boolean allowed = own == 0 || !p.flag("isolate_references") || own == j / n + 1;
        return allowed && inBox(p, b, j / n, j % n);
    }

    private static boolean inBox(Problem p, int b, int subject, int token) {
        int width = p.integer("width");
        int row = token / width;
        int column = token % width;
        return row >= p.at("target_box", b, subject, 0)
                && column >= p.at("target_box", b, subject, 1)
                && row < p.at("target_box", b, subject, 2)
                && column < p.at("target_box", b, subject, 3);
    }

    /** A column of key j: of the target, or of a reference resized from box to box. */
    private static double element(Problem p, String name, int b, int h, int j, int d) {
        int n = p.size("N");
        int references = p.size("C") * n;
        if (j >= references) {
            return p.at(name, b, h, j - references, d);
        }
        int width = p.integer("width");
        double y = place(p, b, j / n, j % n / width, 0);
        double x = place(p, b, j / n, j % n % width, 1);
        double s = 0;
        for (int token = 0; token < n; token++) {
            int row = token / width;
            int column = token % width;
            double near = Math.max(0, 1 - Math.abs(y - row)) * Math.max(0, 1 - Math.abs(x - column));
            s += near == 0 ? 0 : near * p.at("reference_" + name, j / n, h, token, d);
        }
        return s;
    }

    private static double place(Problem p, int b, int subject, int target, int axis) {
        double start = p.at("target_box", b, subject, axis);
        double end = p.at("target_box", b, subject, axis + 2);
        double first = p.at("reference_box", subject, axis);
        double last = p.at("reference_box", subject, axis + 2) - 1;
        double place = first + (target + 0.5 - start) / (end - start) * (last + 1 - first) - 0.5;
        return Math.clamp(place, first, last);
    }
}
