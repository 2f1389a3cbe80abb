package dev.fovea.conformance;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.HalfFloats;
import dev.fovea.api.Tensor;
import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;

/** A row-major array in host memory whose values are exactly what the storage type holds. */
public final class HostTensor {
    private final DType dtype;
    private final int[] shape;
    private final double[] values;

    public HostTensor(DType dtype, double[] values, int... shape) {
        this.dtype = dtype;
        this.shape = shape.clone();
        this.values = dtype.isFloat() ? rounded(values, dtype) : values.clone();
    }

    private static double[] rounded(double[] values, DType dtype) {
        double[] out = new double[values.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = HalfFloats.rounded((float) values[i], dtype);
        }
        return out;
    }

    public DType dtype() {
        return dtype;
    }

    public int rank() {
        return shape.length;
    }

    public int size(int axis) {
        return shape[axis];
    }

    public int[] shape() {
        return shape.clone();
    }

    public double[] values() {
        return values;
    }

    public double at(int... index) {
        int i = 0;
        for (int a = 0; a < shape.length; a++) {
            i = i * shape[a] + index[a];
        }
        return values[i];
    }

    /** A copy of the elements along the last axis. */
    public double[] row(int... index) {
        int i = 0;
        for (int a = 0; a < index.length; a++) {
            i = i * shape[a] + index[a];
        }
        int n = shape[index.length];
        return Arrays.copyOfRange(values, i * n, i * n + n);
    }

    /** The element that a broadcast of this tensor has at an index of rank 4 or less, right-aligned; axes of size 1 repeat. */
    public double broadcastAt(int... index) {
        int i = 0;
        for (int a = 0; a < shape.length; a++) {
            int at = shape[a] == 1 ? 0 : index[a + index.length - shape.length];
            i = i * shape[a] + at;
        }
        return values[i];
    }

    public HostTensor map(DoubleUnaryOperator f) {
        double[] out = new double[values.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = f.applyAsDouble(values[i]);
        }
        return new HostTensor(dtype, out, shape);
    }

    /** A copy on the device, row-major. */
    public Tensor upload(Backend backend) {
        long[] sizes = IntStream.of(shape).asLongStream().toArray();
        return switch (dtype) {
            case F32, F16, BF16 -> backend.copyOf(floats(), dtype, sizes);
            case I32 ->
                backend.copyOf(
                        IntStream.range(0, values.length)
                                .map(i -> (int) values[i])
                                .toArray(),
                        sizes);
            case BOOL -> {
                boolean[] b = new boolean[values.length];
                for (int i = 0; i < b.length; i++) {
                    b[i] = values[i] != 0;
                }
                yield backend.copyOf(b, sizes);
            }
            case BYTE -> throw new IllegalStateException("bytes are uploaded by who packs them");
        };
    }

    private float[] floats() {
        float[] f = new float[values.length];
        for (int i = 0; i < f.length; i++) {
            f[i] = (float) values[i];
        }
        return f;
    }
}
