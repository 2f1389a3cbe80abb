package dev.fovea.tools.bench;

import dev.fovea.api.Alignment;
import dev.fovea.api.Attention;
import dev.fovea.api.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * One thing to time. With fewer queries than keys the queries are the last ones.
 *
 * @param left keys before the own one that a query sees; -1 = unlimited
 * @param right likewise after it
 */
record BenchCase(BenchShape shape, DType dtype, boolean causal, int left, int right) {

    Attention attention() {
        Attention a = Attention.full().window(left, right).aligned(Alignment.BOTTOM_RIGHT);
        return causal ? a.causally() : a;
    }

    /** First and one past the last key that a query sees; no key where they meet. */
    int from(int query) {
        return left < 0 ? 0 : Math.max(0, position(query) - left);
    }

    int to(int query) {
        long to = shape.keys();
        if (causal) {
            to = Math.min(to, position(query) + 1L);
        }
        if (right >= 0) {
            to = Math.min(to, position(query) + (long) right + 1);
        }
        return (int) Math.max(to, from(query));
    }

    private int position(int query) {
        return query + shape.keys() - shape.queries();
    }

    /** Multiplications and additions of both products, of visible pairs only. */
    double flops() {
        double pairs = 0;
        for (int q = 0; q < shape.queries(); q++) {
            pairs += to(q) - from(q);
        }
        return 4 * pairs * shape.headDim() * shape.batch() * shape.heads();
    }

    /** Each input and output once. */
    double bytes() {
        return dtype.bytes() * 2 * (shape.queryElements() + shape.keyElements());
    }

    String options() {
        List<String> all = new ArrayList<>();
        if (causal) {
            all.add("causal");
        }
        if (left >= 0 || right >= 0) {
            all.add("window=" + left + "," + right);
        }
        return String.join(" ", all);
    }

    String type() {
        return dtype.name().toLowerCase(Locale.ROOT);
    }
}
