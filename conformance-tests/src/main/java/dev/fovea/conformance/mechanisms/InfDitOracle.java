package dev.fovea.conformance.mechanisms;

import dev.fovea.mechanisms.local.InfDit.Border;
import dev.fovea.mechanisms.local.InfDit.Direction;
import java.util.Map;

/** One softmax for each token over a weight for each token: how often its block is a neighbour, by the slots it is in. */
public final class InfDitOracle implements Oracle {
    private static final int[][] LEFT_TOP = {{0, 0}, {-1, -1}, {0, -1}, {-1, 0}};
    private static final int[][] RIGHT_BOTTOM = {{0, 0}, {1, 1}, {1, 0}, {0, 1}};

    @Override
    public String id() {
        return "inf-dit";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        double[] output = new double[p.size("B") * p.size("H") * p.size("S") * p.size("Dv")];
        double[] cross = new double[output.length];
        int columns = p.integers("grid")[1];
        int rows = p.integers("grid")[0];
        int row = 0;
        for (int b = 0; b < p.size("B"); b++) {
            for (int h = 0; h < p.size("H"); h++) {
                for (int y = 0; y < rows; y++) {
                    for (int x = 0; x < columns; x++) {
                        blocks(p, b, h, y, x, output, row);
                        low(p, b, h, y, x, cross, row);
                        row++;
                    }
                }
            }
        }
        return Map.of("output", output, "cross", cross);
    }

    private static void blocks(Problem p, int b, int h, int y, int x, double[] out, int row) {
        int columns = p.integers("grid")[1];
        int rows = p.integers("grid")[0];
        int side = p.integer("block");
        boolean cut = p.parameter("border", Border.class) == Border.CUT;
        int[][] slots = p.parameter("direction", Direction.class) == Direction.LEFT_TOP ? LEFT_TOP : RIGHT_BOTTOM;
        double sum = 0;
        double[] acc = new double[p.size("Dv")];
        for (int slot = 0; slot < 4; slot++) {
            int br = y / side + slots[slot][0];
            int bc = x / side + slots[slot][1];
            int r = Math.min(Math.max(br, 0), rows / side - 1);
            int c = Math.min(Math.max(bc, 0), columns / side - 1);
            if (cut && (r != br || c != bc)) {
                continue;
            }
            for (int ky = r * side; ky < (r + 1) * side; ky++) {
                for (int kx = c * side; kx < (c + 1) * side; kx++) {
                    double s = 0;
                    int j = ky * columns + kx;
                    for (int d = 0; d < p.size("D"); d++) {
                        s += p.at("query", b, h, y * columns + x, d)
                                * (p.at("key", b, h, j, d) + p.at("slot_embedding", slot, h, d));
                    }
                    double w = Math.exp(s / Math.sqrt(p.size("D")));
                    sum += w;
                    for (int e = 0; e < acc.length; e++) {
                        acc[e] += w * p.at("value", b, h, j, e);
                    }
                }
            }
        }
        for (int e = 0; e < acc.length; e++) {
            out[row * acc.length + e] = acc[e] / sum;
        }
    }

    private static void low(Problem p, int b, int h, int y, int x, double[] out, int row) {
        int side = p.integer("block");
        int low = p.integer("low_block");
        int columns = p.integers("grid")[1] / side * low;
        int rows = p.integers("grid")[0] / side * low;
        double sum = 0;
        double[] acc = new double[p.size("Dv")];
        int top = (y / side - 1) * low;
        int left = (x / side - 1) * low;
        for (int dy = 0; dy < 3 * low; dy++) {
            for (int dx = 0; dx < 3 * low; dx++) {
                int place = ((dy / low * 3 + dx / low) * low + dy % low) * low + dx % low;
                boolean inside = top + dy >= 0 && top + dy < rows && left + dx >= 0 && left + dx < columns;
                int j = (top + dy) * columns + left + dx;
                double s = 0;
                for (int d = 0; d < p.size("D"); d++) {
                    double q = p.at("cross_query", b, h, y * p.integers("grid")[1] + x, d)
                            + p.at("query_table", h, y % side * side + x % side, d);
                    s += q * ((inside ? p.at("low_key", b, h, j, d) : 0) + p.at("key_table", h, place, d));
                }
                double w = Math.exp(s / Math.sqrt(p.size("D")));
                sum += w;
                for (int e = 0; e < acc.length && inside; e++) {
                    acc[e] += w * p.at("low_value", b, h, j, e);
                }
            }
        }
        for (int e = 0; e < acc.length; e++) {
            out[row * acc.length + e] = acc[e] / sum;
        }
    }
}
