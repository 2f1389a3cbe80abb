package dev.fovea.conformance;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/**
 * A tensor in larger memory under strides of many kinds. What lies around it is poison: NaN that an input must not bring in, and that an
 * output must leave; an output is poison inside too until the backend writes it.
 */
final class Placed implements AutoCloseable {
    /** How the axes lie in memory. */
    enum Form {
        /** Row-major, with a margin of one along the first axis. */
        DENSE,
        /** The axes in reverse order, with a margin along each. */
        TURNED,
        /** Every other element along the last axis, with a margin along each. */
        STEPPED,
        /** The first axis repeats by stride 0: an input whose values do so too. */
        REPEATED
    }

    /** What surrounds an I32 tensor of indices: within any range that one may be held to. */
    private static final int NO_INDEX = -1;

    private static final int FOREIGN = 0x5a5a5a5a;

    private final Deque<Tensor> views = new ArrayDeque<>();
    private final Tensor whole;
    private final boolean[] inside;
    private final double poison;

    private Placed(Backend b, HostTensor t, Form form, double poison, boolean output) {
        this.poison = poison;
        int rank = t.rank();
        int[] shape = t.shape();
        int[] margin = new int[rank];
        for (int i = 0; i < rank; i++) {
            margin[i] = form == Form.DENSE && i > 0 || form == Form.REPEATED ? 0 : 1;
        }
        int step = form == Form.STEPPED ? 2 : 1;
        int[] sizes = new int[rank];
        for (int i = 0; i < rank; i++) {
            sizes[i] = (form == Form.REPEATED && i == 0 ? Math.min(1, shape[0]) : shape[i]) + 2 * margin[i];
        }
        int[] strides = new int[rank];
        int stride = step;
        for (int j = 0; j < rank; j++) {
            int axis = form == Form.TURNED ? j : rank - 1 - j;
            strides[axis] = stride;
            stride *= sizes[axis];
        }
        if (form == Form.REPEATED) {
            strides[0] = 0;
        }
        double[] memory = new double[stride];
        Arrays.fill(memory, poison);
        inside = new boolean[stride];
        for (int i = 0; i < t.values().length; i++) {
            int at = 0;
            int rest = i;
            for (int axis = rank - 1; axis >= 0; axis--) {
                at += (rest % shape[axis] + margin[axis]) * strides[axis];
                rest /= shape[axis];
            }
            inside[at] = true;
            memory[at] = output ? poison : t.values()[i];
        }
        int[] inMemory = new int[rank + 1];
        for (int j = 0; j < rank; j++) {
            inMemory[j] = sizes[form == Form.TURNED ? rank - 1 - j : j];
        }
        inMemory[rank] = step;
        whole = new HostTensor(t.dtype(), memory, inMemory).upload(b);
        views.push(whole);
        Tensor v = view(whole.select(rank, 0));
        if (form == Form.TURNED) {
            int[] order = new int[rank];
            Arrays.setAll(order, i -> rank - 1 - i);
            v = view(v.permute(order));
        }
        for (int i = 0; i < rank; i++) {
            v = view(v.slice(i, margin[i], sizes[i] - margin[i]));
        }
        if (form == Form.REPEATED) {
            view(v.broadcastTo(Arrays.stream(shape).asLongStream().toArray()));
        }
    }

    private Tensor view(Tensor t) {
        views.push(t);
        return t;
    }

    static Placed input(Backend b, HostTensor t, Form form) {
        return new Placed(b, t, form, t.dtype().isFloat() ? Double.NaN : t.dtype() == DType.I32 ? NO_INDEX : 1, false);
    }

    /** An output; of two runs one is surrounded by false and the other by true, where there is nothing else. */
    static Placed output(Backend b, DType dtype, Form form, boolean second, int... shape) {
        HostTensor t = new HostTensor(dtype, new double[OperationLoops.count(shape)], shape);
        double poison = dtype.isFloat() ? Double.NaN : dtype == DType.I32 ? FOREIGN : second ? 1 : 0;
        return new Placed(b, t, form, poison, true);
    }

    Tensor tensor() {
        return views.getFirst();
    }

    /** The elements, row-major. */
    double[] read() {
        return read(tensor());
    }

    private static double[] read(Tensor t) {
        if (!t.dtype().isFloat()) {
            return Arrays.stream(t.toIntArray()).asDoubleStream().toArray();
        }
        float[] x = t.toFloatArray();
        double[] out = new double[x.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = x[i];
        }
        return out;
    }

    /** Whether nothing around it changed. */
    boolean intact() {
        double[] memory = read(whole);
        for (int i = 0; i < memory.length; i++) {
            if (!inside[i] && Double.compare(memory[i], poison) != 0) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void close() {
        views.forEach(Tensor::close);
    }
}
