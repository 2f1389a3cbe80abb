package dev.fovea.mechanisms.cache;

import dev.fovea.api.DType;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Inputs;
import java.util.ArrayList;
import java.util.List;

/** Two classes of KV heads, for each of which attention runs once; the query heads of a KV head go with it. */
final class HeadClasses {
    private final Operations ops;
    private final Tensor order;
    private final Tensor places;
    private final int first;

    /** Attention of the heads of a class. */
    interface Call {
        Tensor attend(Tensor query, Tensor key, Tensor value);
    }

    private HeadClasses(Operations ops, Tensor scores, int first) {
        this.ops = ops;
        this.first = first;
        long heads = scores.size(0);
        this.order = ops.top(scores, heads).indices();
        Tensor falling = ops.map("0 - float(order[d])").with("order", order).to(DType.F32, heads);
        this.places = ops.top(falling, heads).indices();
    }

    /** The first class has the {@code first} heads of the largest scores, F32 [G]. */
    static HeadClasses byScore(Operations ops, Tensor scores, int first) {
        return new HeadClasses(ops, scores, first);
    }

    /** The first class has these heads. */
    static HeadClasses of(Operations ops, int[] first, int heads) {
        float[] scores = new float[heads];
        for (int h : first) {
            scores[h] = 1;
        }
        return new HeadClasses(ops, ops.copyOf(scores, heads), first.length);
    }

    /** Attention of all heads, in their order. */
    Tensor attend(Tensor query, Tensor key, Tensor value, Call firstClass, Call otherClass) {
        long heads = key.size(1);
        Inputs.require(heads > 0, "heads of keys", "at least 1", heads);
        long group = query.size(1) / heads;
        Tensor q = sorted(query, heads, order);
        Tensor k = sorted(key, heads, order);
        Tensor v = sorted(value, heads, order);
        List<Tensor> parts = new ArrayList<>();
        if (first > 0) {
            parts.add(firstClass.attend(
                    ops.slice(q, 1, 0, first * group), ops.slice(k, 1, 0, first), ops.slice(v, 1, 0, first)));
        }
        if (first < heads) {
            parts.add(otherClass.attend(
                    ops.slice(q, 1, first * group, heads * group),
                    ops.slice(k, 1, first, heads),
                    ops.slice(v, 1, first, heads)));
        }
        return sorted(ops.concat(1, parts.toArray(Tensor[]::new)), heads, places);
    }

    /** Each KV head with its query heads is one row. */
    private Tensor sorted(Tensor x, long heads, Tensor indices) {
        Tensor rows = ops.reshape(x, x.size(0), heads, x.size(1) / heads * x.size(2) * x.size(3));
        Tensor picked = ops.gather(rows, ops.reshape(indices, 1, heads), 0);
        return ops.reshape(picked, x.shape());
    }
}
