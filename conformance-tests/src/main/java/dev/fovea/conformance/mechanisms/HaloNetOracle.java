package dev.fovea.conformance.mechanisms;

import dev.fovea.mechanisms.local.HaloNet.Border;
import java.util.Map;

/** Pixel by pixel: a row of the softmax over all places around its block, inside the image or not. */
public final class HaloNetOracle implements Oracle {
    @Override
    public String id() {
        return "halonet";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        int width = p.size("X");
        int pixels = p.size("Y") * width;
        int reach = p.integer("block") + 2 * p.integer("halo");
        double[] o = new double[p.size("B") * p.size("H") * pixels * p.size("Dv")];
        int places = reach * reach;
        for (int row = 0; row < p.size("B") * p.size("H") * pixels; row++) {
            int b = row / pixels / p.size("H");
            int head = row / pixels % p.size("H");
            int y = row % pixels / width;
            int x = row % width;
            double[] weights =
                    Rows.softmax(1, 1, 1, places, (b1, h1, i1, j) -> score(p, b, head, y, x, j / reach, j % reach));
            for (int j = 0; j < places; j++) {
                int ky = first(p, y) + j / reach;
                int kx = first(p, x) + j % reach;
                for (int c = 0; c < p.size("Dv") && inside(p, ky, kx); c++) {
                    o[row * p.size("Dv") + c] += weights[j] * p.at("value", b, head, ky, kx, c);
                }
            }
        }
        return Map.of("output", o);
    }

    /** Row or column at which the surroundings of a pixel's block begin. */
    private static int first(Problem p, int pixel) {
        return pixel - pixel % p.integer("block") - p.integer("halo");
    }

    private static boolean inside(Problem p, int y, int x) {
        return y >= 0 && y < p.size("Y") && x >= 0 && x < p.size("X");
    }

    private static double score(Problem p, int b, int h, int y, int x, int i, int j) {
        int ky = first(p, y) + i;
        int kx = first(p, x) + j;
        if (!inside(p, ky, kx) && p.parameter("border", Border.class) == Border.MASKED) {
            return Double.NEGATIVE_INFINITY;
        }
        int none = p.integer("block") + 3 * p.integer("halo") - 1; // the row of offset 0
        double s = 0;
        for (int d = 0; d < p.size("D"); d++) {
            double key = inside(p, ky, kx) ? p.at("key", b, h, ky, kx, d) : 0;
            double row = p.at("row_offsets", none + ky - y, d);
            double column = p.at("column_offsets", none + kx - x, d);
            s += p.at("query", b, h, y, x, d) * (key + row + column);
        }
        return s / Math.sqrt(p.size("D"));
    }
}
