package dev.fovea.conformance.mechanisms;

import dev.fovea.mechanisms.local.FreeSwim.Step;
import java.util.Map;

/** The window of a query is found by moving it: its length along an axis is fixed, its start is moved into the frame. */
public final class FreeSwimOracle implements Oracle {
    @Override
    public String id() {
        return "freeswim";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        double scale = Math.sqrt(Math.log(p.integer("effective")) / Math.log(p.integer("trained")) / p.size("D"));
        Step step = p.parameter("step", Step.class);
        double[] window = attend(p, "query", "key", "value", scale, true);
        double[] full = step == Step.FULL ? attend(p, "full_query", "full_key", "full_value", scale, false) : window;
        double[] cross = step == Step.CACHED
                ? p.input("stored_cross").values()
                : attend(p, "cross_query", "text_key", "text_value", 1 / Math.sqrt(p.size("D")), false);
        return Map.of("window", window, "full", full, "cross", cross);
    }

    private static double[] attend(Problem p, String query, String key, String value, double scale, boolean windowed) {
        int heads = p.size("H");
        int dim = p.size("D");
        int queries = p.size("T") * p.size("Y") * p.size("X");
        double[] q = p.input(query).values();
        double[] k = p.input(key).values();
        double[] v = p.input(value).values();
        int keys = k.length / (p.size("B") * heads * dim);
        return Rows.attend(
                p.size("B"),
                heads,
                queries,
                keys,
                dim,
                (b, h, i, j) -> {
                    double s = 0;
                    for (int d = 0; d < dim; d++) {
                        s += q[((b * heads + h) * queries + i) * dim + d] * k[((b * heads + h) * keys + j) * dim + d];
                    }
                    return windowed && !visible(p, i, j) ? Double.NEGATIVE_INFINITY : scale * s;
                },
                (b, h, j, c) -> v[((b * heads + h) * keys + j) * dim + c]);
    }

    private static boolean visible(Problem p, int i, int j) {
        int width = p.size("X");
        int height = p.size("Y");
        return inside(i % width, j % width, p.integer("half_width"), width)
                && inside(i / width % height, j / width % height, p.integer("half_height"), height);
    }

    private static boolean inside(int point, int other, int half, int size) {
        int length = 2 * half + 1;
        int start = length >= size ? 0 : Math.clamp(point - half, 0, size - length);
        return other >= start && other < start + length;
    }
}
