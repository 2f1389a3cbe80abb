package dev.fovea.conformance.mechanisms;

import dev.fovea.mechanisms.cache.DuoAttention.Form;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Streaming heads with a list of cached tokens, from which chunks are evicted; classes by a sorted quantile. */
public final class DuoAttentionOracle implements Oracle {
    @Override
    public String id() {
        return "duoattention";
    }

    @Override
    public Map<String, double[]> outputs(Problem p) {
        Form form = p.parameter("form", Form.class);
        int group = p.size("H") / p.size("G");
        double[] full = attention(p, false, form);
        double[] stream = attention(p, true, form);
        double threshold = quantile(p);
        double[] o = new double[full.length];
        for (int i = 0; i < o.length; i++) {
            double alpha = p.at("alpha", i / (p.size("Sq") * p.size("Dv")) % p.size("H") / group);
            double a = form == Form.MIX ? Math.clamp(alpha, 0, 1) : alpha >= threshold ? 1 : 0;
            o[i] = a * full[i] + (1 - a) * stream[i];
        }
        return Map.of("output", o);
    }

    private static double quantile(Problem p) {
        double sparsity = p.real("sparsity");
        double[] sorted = p.input("alpha").values().clone();
        Arrays.sort(sorted);
        double at = sparsity * (sorted.length - 1);
        int low = (int) at;
        int high = Math.min(low + 1, sorted.length - 1);
        return sparsity >= 1 ? Double.POSITIVE_INFINITY : sorted[low] + (at - low) * (sorted[high] - sorted[low]);
    }

    private static double[] attention(Problem p, boolean streaming, Form form) {
        int past = p.size("Sk") - p.size("Sq");
        int group = p.size("H") / p.size("G");
        boolean[][] seen = new boolean[p.size("Sk")][];
        List<Integer> cache = new ArrayList<>();
        int chunk = !streaming || form != Form.CHUNKED ? seen.length : p.integer("chunk");
        for (int start = 0; start < seen.length; start += chunk) {
            List<Integer> before = List.copyOf(cache);
            for (int i = start; i < Math.min(start + chunk, seen.length); i++) {
                cache.add(i);
                seen[i] = new boolean[seen.length];
                for (int j : before) {
                    seen[i][j] = true;
                }
                for (int j = start; j <= i; j++) {
                    boolean kept = j < p.integer("sink") || i - j < p.integer("recent");
                    seen[i][j] = !streaming || form == Form.CHUNKED || kept;
                }
            }
            while (streaming && cache.size() > p.integer("sink") + p.integer("recent")) {
                cache.remove(/* index */ p.integer("sink"));
            }
        }
        double scale = 1 / Math.sqrt(p.size("D"));
        return Rows.attend(
                p.size("B"),
                p.size("H"),
                p.size("Sq"),
                p.size("Sk"),
                p.size("Dv"),
                (b, h, i, j) -> seen[past + i][j] ? scale * dot(p, b, h, h / group, i, j) : Double.NEGATIVE_INFINITY,
                (b, h, j, c) -> p.at("value", b, h / group, j, c));
    }

    private static double dot(Problem p, int b, int h, int g, int i, int j) {
        double s = 0;
        for (int d = 0; d < p.size("D"); d++) {
            s += p.at("query", b, h, i, d) * p.at("key", b, g, j, d);
        }
        return s;
    }
}
