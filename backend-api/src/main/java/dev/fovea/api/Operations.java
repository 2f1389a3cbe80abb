package dev.fovea.api;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.spec.GatherArguments;
import dev.fovea.api.spec.GatherSpec;
import dev.fovea.api.spec.MatMulArguments;
import dev.fovea.api.spec.MatMulSpec;
import dev.fovea.api.spec.ReduceArguments;
import dev.fovea.api.spec.ReduceSpec;
import dev.fovea.api.spec.RotaryArguments;
import dev.fovea.api.spec.RotarySpec;
import dev.fovea.api.spec.SelectArguments;
import dev.fovea.api.spec.SelectSpec;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.stream.IntStream;

/**
 * Computations of several steps: every tensor and view made here lives until this is closed, except those that are kept. Nothing is read
 * back to the host, so that a GPU queues all steps. For one thread.
 *
 * <pre>{@code
 * try (Operations ops = new Operations(fovea)) {
 *     Tensor q = ops.matmul(x, weights);
 *     Tensor k = ops.map("x[b, h, q, d] * gain[d]").with("x", x).with("gain", gain).like(x);
 *     return ops.keep(ops.attend(q, k, x, Attention.causal()));
 * }
 * }</pre>
 */
public final class Operations implements AutoCloseable {
    private final Backend backend;
    private final Deque<Tensor> owned = new ArrayDeque<>();

    public Operations(Backend backend) {
        this.backend = backend;
    }

    public Backend backend() {
        return backend;
    }

    /** Takes a tensor or view over: it is closed with this. */
    public Tensor own(Tensor tensor) {
        owned.push(tensor);
        return tensor;
    }

    /** A result that outlives this; the caller closes it. */
    public Tensor keep(Tensor tensor) {
        if (!owned.removeIf(t -> t == tensor)) {
            throw new InvalidArgument("tensor", "one made here", tensor.toString(), "it is the caller's already");
        }
        return tensor;
    }

    /** A copy of numbers on the device, row-major. */
    public Tensor copyOf(int[] data, long... shape) {
        return own(backend.copyOf(data, shape));
    }

    /** A copy of numbers on the device, row-major. */
    public Tensor copyOf(float[] data, long... shape) {
        return own(backend.copyOf(data, shape));
    }

    /** A copy of truth values on the device, row-major. */
    public Tensor copyOf(boolean[] data, long... shape) {
        return own(backend.copyOf(data, shape));
    }

    /** A tensor that nobody has set. */
    public Tensor allocate(DType dtype, long... shape) {
        return own(backend.allocate(dtype, shape));
    }

    /** As {@link Tensor#reshape}, by a copy where the strides do not allow a view. */
    public Tensor reshape(Tensor x, long... shape) {
        long[] strides = new long[x.rank()];
        Arrays.setAll(strides, x::stride);
        boolean view = Reshape.strides(x.shape(), strides, shape) != null;
        return own((view ? x : copy(x)).reshape(shape));
    }

    /** A row-major copy. */
    public Tensor copy(Tensor x) {
        return map(Mapping.element("x", x.rank())).with("x", x).like(x);
    }

    /** A copy in another floating-point type. */
    public Tensor convert(Tensor x, DType dtype) {
        return map(Mapping.element("x", x.rank())).with("x", x).to(dtype, x.shape());
    }

    public Tensor permute(Tensor x, int... order) {
        return own(x.permute(order));
    }

    /** The indices from (inclusive) to (exclusive) of an axis, as a view. */
    public Tensor slice(Tensor x, int axis, long from, long to) {
        return own(x.slice(axis, from, to));
    }

    public Tensor broadcast(Tensor x, long... larger) {
        return own(x.broadcastTo(larger));
    }

    /** Heads apart: [B, S, heads * D] seen as [B, heads, S, D]. */
    public Tensor splitHeads(Tensor x, int heads) {
        if (heads < 1) {
            throw new InvalidArgument("heads", "at least 1", "" + heads, "give the heads that the last axis holds");
        }
        Tensor split = own(x.splitLast(x.size(x.rank() - 1) / heads));
        return permute(split, 0, 2, 1, 3);
    }

    /** The inverse of {@link #splitHeads}: [B, H, S, D] to [B, S, H * D]. */
    public Tensor joinHeads(Tensor x) {
        Tensor bshd = permute(x, 0, 2, 1, 3);
        return reshape(bshd, x.size(0), x.size(2), x.size(1) * x.size(3));
    }

    /** Products of matrices [.., M, K] and [.., K, N] in the type of the left; leading axes broadcast, aligned at the last. */
    public Tensor matmul(Tensor left, Tensor right) {
        int rank = Math.max(left.rank(), right.rank());
        if (left.rank() < 2 || right.rank() < 2) {
            throw new InvalidArgument(
                    "matrices", "at least 2 axes", left + " and " + right, "reshape a vector to one row or column");
        }
        long[] lead = new long[rank - 2];
        for (int i = 0; i < lead.length; i++) {
            lead[i] = Math.max(leading(left, rank, i), leading(right, rank, i));
        }
        Tensor a = broadcast(left, matrix(lead, left));
        Tensor b = broadcast(right, matrix(lead, right));
        long[] sizes = matrix(lead, left);
        sizes[rank - 1] = right.size(right.rank() - 1);
        Tensor output = allocate(left.dtype(), sizes);
        backend.run(new MatMulSpec(left.dtype(), right.dtype(), output.dtype()), new MatMulArguments(a, b, output));
        return output;
    }

    private static long leading(Tensor t, int rank, int axis) {
        int own = axis - (rank - t.rank());
        return own < 0 ? 1 : t.size(own);
    }

    private static long[] matrix(long[] lead, Tensor t) {
        long[] sizes = Arrays.copyOf(lead, lead.length + 2);
        sizes[lead.length] = t.size(t.rank() - 2);
        sizes[lead.length + 1] = t.size(t.rank() - 1);
        return sizes;
    }

    /** An elementwise function; see {@link Mapping}. */
    public Mapping map(String expression) {
        return new Mapping(this, expression);
    }

    public Tensor sum(Tensor x, int axis) {
        return reduce(x, axis, ReduceSpec.Rule.SUM);
    }

    public Tensor mean(Tensor x, int axis) {
        return reduce(x, axis, ReduceSpec.Rule.MEAN);
    }

    public Tensor max(Tensor x, int axis) {
        return reduce(x, axis, ReduceSpec.Rule.MAX);
    }

    public Tensor min(Tensor x, int axis) {
        return reduce(x, axis, ReduceSpec.Rule.MIN);
    }

    /** The index of the largest along an axis, the lowest of several; -1 if nothing is above -inf. */
    public Tensor argmax(Tensor x, int axis) {
        return reduce(x, axis, ReduceSpec.Rule.ARGMAX);
    }

    private Tensor reduce(Tensor x, int axis, ReduceSpec.Rule rule) {
        int[] order = IntStream.concat(IntStream.range(0, x.rank()).filter(i -> i != axis), IntStream.of(axis))
                .toArray();
        Tensor last = permute(x, order);
        long[] sizes = Arrays.copyOf(last.shape(), x.rank() - 1);
        Tensor output = allocate(rule.givesIndex() ? DType.I32 : x.dtype(), sizes);
        backend.run(new ReduceSpec(x.dtype(), output.dtype(), rule), new ReduceArguments(last, output));
        return output;
    }

    /** Rows [.., N, D] picked by indices [.., M]; -1 gives a row of the fill value. */
    public Tensor gather(Tensor source, Tensor indices, double fill) {
        long[] sizes = source.shape();
        sizes[source.rank() - 2] = indices.size(indices.rank() - 1);
        Tensor output = allocate(source.dtype(), sizes);
        backend.run(new GatherSpec(source.dtype()), new GatherArguments(source, indices, output, fill));
        return output;
    }

    /** Rows [.., N, D] picked by the same indices for all leading axes; -1 gives a row of the fill value. */
    public Tensor gather(Tensor source, int[] indices, double fill) {
        long[] lists = new long[source.rank() - 1];
        Arrays.fill(lists, 1);
        lists[lists.length - 1] = indices.length;
        return gather(source, copyOf(indices, lists), fill);
    }

    /** Tensors of one type one after the other along an axis: maps into views of the output. */
    public Tensor concat(int axis, Tensor... parts) {
        if (parts.length == 0) {
            throw new InvalidArgument("parts", "at least one tensor", "none", "give one");
        }
        long[] sizes = parts[0].shape();
        sizes[axis] = Arrays.stream(parts).mapToLong(t -> t.size(axis)).sum();
        Tensor output = allocate(parts[0].dtype(), sizes);
        long at = 0;
        IntFacts facts = null;
        for (Tensor t : parts) {
            Tensor view = slice(output, axis, at, at + t.size(axis));
            map(Mapping.element("x", t.rank())).with("x", t).into(view);
            facts = facts == null ? t.facts() : facts.or(t.facts());
            at += t.size(axis);
        }
        if (output.dtype() == DType.I32 && facts != null) {
            output.allocation().learn(IntFacts.range(facts.least(), facts.largest()));
        }
        return output;
    }

    /**
     * The k largest of each row.
     *
     * @param indices I32 [.., k], by falling score, of equal ones the lower index first; -1 where fewer were above -inf
     * @param chosen BOOL [.., N], whether a score was selected
     */
    public record Top(Tensor indices, Tensor chosen) {}

    /** The k largest along the last axis. */
    public Top top(Tensor scores, long k) {
        long[] slots = scores.shape();
        slots[slots.length - 1] = k;
        Tensor indices = allocate(DType.I32, slots);
        Tensor chosen = allocate(DType.BOOL, scores.shape());
        backend.run(new SelectSpec(scores.dtype(), false, true), new SelectArguments(scores, indices, null, chosen));
        return new Top(indices, chosen);
    }

    /** Rotary position embedding of rows [B, H, S, D]; positions I32 [B or 1, S] of the tables F32 [positions, pairs]. */
    public Tensor rotate(Tensor x, RotarySpec.Pairing pairing, Tensor positions, Tensor cosines, Tensor sines) {
        Tensor output = allocate(x.dtype(), x.shape());
        int dim = Math.toIntExact(x.size(3));
        int turned = Math.toIntExact(2 * cosines.size(1));
        backend.run(
                new RotarySpec(x.dtype(), dim, turned, pairing, 1),
                new RotaryArguments(x, output, positions, cosines, sines, null));
        return output;
    }

    public Tensor attend(Tensor query, Tensor key, Tensor value, Attention options) {
        return own(backend.attend(query, key, value, options));
    }

    /** Keys and values that queries see beside others, each with options of its own. */
    public record Part(Tensor key, Tensor value, Attention options) {}

    /** Attention over the keys of all parts as if they were one sequence: partial results merged by log-sum-exp, nothing copied. */
    public Tensor attendParts(Tensor query, Part... parts) {
        if (parts.length == 0) {
            throw new InvalidArgument("parts", "at least one part", "none", "give the keys and values");
        }
        int columns = Math.toIntExact(parts[0].value().size(3));
        try (Partials partials = backend.partials(parts.length, query, columns)) {
            for (int i = 0; i < parts.length; i++) {
                backend.attendPart(query, parts[i].key(), parts[i].value(), parts[i].options(), partials, i);
            }
            return own(backend.merge(partials, query.dtype()));
        }
    }

    /** As {@link #attend}, with the log-sum-exp and the scores that the options ask for. */
    public AttentionResult attendAll(Tensor query, Tensor key, Tensor value, Attention options) {
        AttentionResult result = backend.attendAll(query, key, value, options);
        own(result.output());
        if (result.logSumExp() != null) {
            own(result.logSumExp());
        }
        if (result.scores() != null) {
            own(result.scores());
        }
        return result;
    }

    @Override
    public void close() {
        while (!owned.isEmpty()) {
            owned.pop().close();
        }
    }
}
