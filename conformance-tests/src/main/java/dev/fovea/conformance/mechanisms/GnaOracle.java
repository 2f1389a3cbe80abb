package dev.fovea.conformance.mechanisms;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** One softmax over the keys that are in the window along every axis, found in the list of the points of a dilation group, and the extra ones. */
public final class GnaOracle implements Oracle {
    @Override
    public String id() {
        return "gna";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        int points = p.size("S");
        double scale = 1 / Math.sqrt(p.size("D"));
        boolean[] seen = new boolean[points * points];
        for (int pair = 0; pair < seen.length; pair++) {
            seen[pair] = visible(p, pair / points, pair % points);
        }
        double[] o = Rows.attend(
                p.size("B"),
                p.size("H"),
                points,
                points + p.size("E"),
                p.size("Dv"),
                (b, h, i, j) -> {
                    if (j >= points) {
                        return scale * Rows.dot(p, "query", "extra_key", b, h, i, j - points);
                    }
                    return seen[i * points + j]
                            ? scale * Rows.dot(p, "query", "key", b, h, i, j)
                            : Double.NEGATIVE_INFINITY;
                },
                (b, h, j, c) -> j < points ? p.at("value", b, h, j, c) : p.at("extra_value", b, h, j - points, c));
        return Map.of("output", o);
    }

    private static boolean visible(Problem p, int query, int key) {
        int[] grid = p.integers("grid");
        int i = query;
        int j = key;
        for (int axis = grid.length - 1; axis >= 0; axis--) {
            if (!visible(p, axis, i % grid[axis], j % grid[axis])) {
                return false;
            }
            i /= grid[axis];
            j /= grid[axis];
        }
        return true;
    }

    private static int of(Problem p, String name, int axis) {
        int[] all = p.integers(name);
        return all[Math.min(axis, all.length - 1)];
    }

    private static boolean visible(Problem p, int axis, int i, int j) {
        List<Integer> group = new ArrayList<>();
        for (int x = i % of(p, "dilation", axis); x < p.integers("grid")[axis]; x += of(p, "dilation", axis)) {
            group.add(x);
        }
        int u = group.indexOf(i);
        int other = group.indexOf(j);
        if (other < 0) {
            return false;
        }
        int window = of(p, "kernel", axis);
        int stride = of(p, "stride", axis);
        int[] sharers = IntStream.range(0, group.size())
                .filter(x -> x / stride == u / stride)
                .toArray();
        if (of(p, "causal", axis) == 1) {
            return other <= u && Arrays.stream(sharers).max().orElseThrow() - other < window;
        }
        int leader = Math.min(u / stride * stride + stride / 2, group.size() - 1);
        int left = window / 2;
        int right = window - 1 - left;
        int centre = Math.clamp(leader, left, group.size() - 1 - right);
        return centre - left <= other && other <= centre + right;
    }
}
