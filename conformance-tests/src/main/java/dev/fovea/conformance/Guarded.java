package dev.fovea.conformance;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.conformance.AttentionCase.Layout;
import java.util.Arrays;

/**
 * A tensor between two guard bands of NaN, one batch entry each: reading outside an input gives NaN, writing outside an output is
 * seen afterwards. Outputs are NaN inside too until the backend writes them.
 */
final class Guarded implements AutoCloseable {
    private final Tensor whole;
    private final Tensor inner;
    private final int entry;

    private Guarded(Tensor whole, Tensor inner, int entry) {
        this.whole = whole;
        this.inner = inner;
        this.entry = entry;
    }

    static Guarded input(Backend backend, HostTensor t, Layout layout) {
        return of(backend, t.dtype(), t.shape(), layout, t.values());
    }

    static Guarded output(Backend backend, DType dtype, Layout layout, int... shape) {
        double[] nan = new double[Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        Arrays.fill(nan, Double.NaN);
        return of(backend, dtype, shape, layout, nan);
    }

    private static Guarded of(Backend backend, DType dtype, int[] shape, Layout layout, double[] values) {
        boolean swap = layout == Layout.BSHD && shape.length == 4;
        int entry = 1;
        for (int i = 1; i < shape.length; i++) {
            entry *= shape[i];
        }
        float[] all = new float[entry * (shape[0] + 2)];
        Arrays.fill(all, Float.NaN);
        for (int i = 0; i < values.length; i++) {
            all[entry + (swap ? swapped(i, shape) : i)] = (float) values[i];
        }
        long[] sizes = Arrays.stream(shape).asLongStream().toArray();
        sizes[0] += 2;
        if (swap) {
            sizes[1] = shape[2];
            sizes[2] = shape[1];
        }
        Tensor whole = backend.copyOf(all, dtype, sizes);
        try (Tensor slice = whole.slice(0, 1, shape[0] + 1L)) {
            return new Guarded(whole, swap ? slice.permute(0, 2, 1, 3) : slice.slice(0, 0, shape[0]), entry);
        }
    }

    /** Position in [B, S, H, D] of the element i of [B, H, S, D]. */
    private static int swapped(int i, int[] shape) {
        int d = i % shape[3];
        int s = i / shape[3] % shape[2];
        int h = i / shape[3] / shape[2] % shape[1];
        int b = i / shape[3] / shape[2] / shape[1];
        return ((b * shape[2] + s) * shape[1] + h) * shape[3] + d;
    }

    Tensor tensor() {
        return inner;
    }

    /** The inner part, row-major of its shape. */
    double[] read() {
        float[] x = inner.toFloatArray();
        double[] out = new double[x.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = x[i];
        }
        return out;
    }

    boolean guardsIntact() {
        float[] x = whole.toFloatArray();
        for (int i = 0; i < entry; i++) {
            if (!Float.isNaN(x[i]) || !Float.isNaN(x[x.length - 1 - i])) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void close() {
        inner.close();
        whole.close();
    }
}
