package dev.fovea.mechanisms.cache;

import dev.fovea.api.Attention;
import dev.fovea.api.DType;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Two classes of KV heads, which a call of attention each runs; the query heads of a KV head go with it. */
final class HeadClasses {
    private final Operations ops;
    private final Tensor order;
    private final Tensor places;
    private final int first;

    private HeadClasses(Operations ops, Tensor order, int first) {
        this.ops = ops;
        this.order = order;
        this.places = ops.top(
                        ops.map("0 - float(order[d])").with("order", order).to(DType.F32, order.size(0)), order.size(0))
                .indices();
        this.first = first;
    }

    /** The first class has the heads of the largest scores F32 [G]. */
    static HeadClasses byScore(Operations ops, Tensor scores, int first) {
        return new HeadClasses(ops, ops.top(scores, scores.size(0)).indices(), first);
    }

    /** Attention with the options of each head's class. */
    Tensor attend(Tensor query, Tensor key, Tensor value, Attention firstOptions, Attention otherOptions) {
        long heads = key.size(1);
        Tensor q = sorted(query, heads, order);
        Tensor k = sorted(key, heads, order);
        Tensor v = sorted(value, heads, order);
        long group = query.size(1) / heads;
        List<Tensor> parts = new ArrayList<>();
        for (boolean one : new boolean[] {true, false}) {
            long from = one ? 0 : first;
            long to = one ? first : heads;
            if (to > from) {
                Tensor part = ops.slice(q, 1, from * group, to * group);
                Attention options = one ? firstOptions : otherOptions;
                parts.add(ops.attend(part, ops.slice(k, 1, from, to), ops.slice(v, 1, from, to), options));
            }
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
