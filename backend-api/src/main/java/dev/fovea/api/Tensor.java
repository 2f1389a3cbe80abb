package dev.fovea.api;

import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.spi.Storage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A strided array on one device. Made by a {@link Backend}; whoever makes a tensor or a view closes it, and the memory goes when
 * the last of them and the last run that uses it are done. Never changes under its owner except as the output of a run.
 */
public final class Tensor implements AutoCloseable {
    private final Allocation allocation;
    private final DType dtype;
    private final long[] shape;
    private final long[] strides;
    private final long offset;
    private final AtomicBoolean closed = new AtomicBoolean();

    Tensor(Allocation allocation, DType dtype, long[] shape, long[] strides, long offset) {
        this.allocation = allocation;
        this.dtype = dtype;
        this.shape = shape;
        this.strides = strides;
        this.offset = offset;
    }

    static long[] rowMajor(long[] shape) {
        long[] strides = new long[shape.length];
        long stride = 1;
        for (int i = shape.length - 1; i >= 0; i--) {
            strides[i] = stride;
            stride *= Math.max(1, shape[i]);
        }
        return strides;
    }

    public Backend backend() {
        return allocation.backend;
    }

    public DType dtype() {
        return dtype;
    }

    public int rank() {
        return shape.length;
    }

    public long[] shape() {
        return shape.clone();
    }

    boolean hasShape(long... sizes) {
        return Arrays.equals(shape, sizes);
    }

    public long size(int axis) {
        return shape[axis];
    }

    /** Distance between neighbours along an axis, in elements; 0 repeats one element. */
    public long stride(int axis) {
        return strides[axis];
    }

    /** Position of the first element in the storage, in elements. */
    public long offset() {
        return offset;
    }

    public long elementCount() {
        long count = 1;
        for (long n : shape) {
            count *= n;
        }
        return count;
    }

    /** The memory, for backends. */
    public Storage storage() {
        checkOpen();
        return allocation.storage;
    }

    /** What is known of the values of an I32 tensor. */
    public IntFacts facts() {
        return allocation.facts();
    }

    /** The values that this view of an I32 tensor shows, row-major, if they came from the host and were kept. */
    int @Nullable [] keptValues() {
        int[] all = allocation.values();
        if (all == null) {
            return null;
        }
        int[] out = new int[javaLength()];
        for (int i = 0; i < out.length; i++) {
            long position = offset;
            int rest = i;
            for (int axis = rank() - 1; axis >= 0; axis--) {
                position += rest % shape[axis] * strides[axis];
                rest /= (int) shape[axis];
            }
            out[i] = all[(int) position];
        }
        return out;
    }

    /** Whether this is all of the memory, in its order. */
    boolean isWhole() {
        return offset == 0
                && elementCount() * dtype.bytes() == allocation.storage.byteSize()
                && Arrays.equals(strides, rowMajor(shape));
    }

    /** Element span from the first to the last that the strides reach, inclusive; 0 for an empty tensor. */
    public long span() {
        long last = 0;
        for (int i = 0; i < shape.length; i++) {
            if (shape[i] == 0) {
                return 0;
            }
            last += (shape[i] - 1) * strides[i];
        }
        return last + 1;
    }

    /** A view with the axes in another order: axis i of the view is axis {@code order[i]} of this. */
    public Tensor permute(int... order) {
        if (!Arrays.equals(
                Arrays.stream(order).sorted().toArray(),
                IntStream.range(0, rank()).toArray())) {
            throw new InvalidArgument(
                    "order", "a permutation of " + rank() + " axes", Arrays.toString(order), "name every axis once");
        }
        long[] s = new long[order.length];
        long[] t = new long[order.length];
        for (int i = 0; i < order.length; i++) {
            s[i] = shape[order[i]];
            t[i] = strides[order[i]];
        }
        return view(s, t, offset);
    }

    /** A view of the indices from (inclusive) to (exclusive) of an axis. */
    public Tensor slice(int axis, long from, long to) {
        if (axis < 0 || axis >= rank() || from < 0 || to < from || to > shape[axis]) {
            throw new InvalidArgument(
                    "slice",
                    "a range within " + shapeText(),
                    "[" + from + ", " + to + ") of axis " + axis,
                    "stay inside");
        }
        long[] s = shape.clone();
        s[axis] = to - from;
        boolean empty = to == from || elementCount() == 0; // an offset could lie beyond the storage
        return view(s, strides.clone(), empty ? offset : offset + from * strides[axis]);
    }

    /** A view of one index of an axis, without that axis. */
    public Tensor select(int axis, long index) {
        if (axis < 0 || axis >= rank() || index < 0 || index >= shape[axis]) {
            throw new InvalidArgument("index", "one within " + shapeText(), index + " of axis " + axis, "stay inside");
        }
        long[] s = new long[rank() - 1];
        long[] t = new long[rank() - 1];
        for (int i = 0; i < s.length; i++) {
            s[i] = shape[i < axis ? i : i + 1];
            t[i] = strides[i < axis ? i : i + 1];
        }
        return view(s, t, elementCount() == 0 ? offset : offset + index * strides[axis]);
    }

    /** A view with the last axis split into two: [.., n * m] as [.., n, m]. */
    public Tensor splitLast(long inner) {
        int last = rank() - 1;
        if (last < 0 || inner < 1 || shape[last] % inner != 0) {
            throw new InvalidArgument(
                    "inner", "a divisor of the last axis of " + shapeText(), "" + inner, "choose one");
        }
        long[] s = Arrays.copyOf(shape, rank() + 1);
        long[] t = Arrays.copyOf(strides, rank() + 1);
        s[last] = shape[last] / inner;
        s[last + 1] = inner;
        t[last] = strides[last] * inner;
        t[last + 1] = strides[last];
        return view(s, t, offset);
    }

    /** A view of another shape with the same elements in the same order; refused where the strides do not allow it. */
    public Tensor reshape(long... sizes) {
        long[] t = Reshape.strides(shape, strides, sizes);
        if (t == null) {
            boolean count = Arrays.stream(sizes).reduce(1, (a, b) -> a * b) == elementCount();
            throw new InvalidArgument(
                    "shape",
                    count ? "axes that the strides can show" : elementCount() + " elements, as " + shapeText() + " has",
                    Arrays.toString(sizes),
                    count ? "copy it to a row-major tensor first" : "match them");
        }
        return view(sizes.clone(), t, offset);
    }

    /** A read-only view of a larger shape, aligned at the last axis: axes that are missing or of size 1 repeat by stride 0. */
    public Tensor broadcastTo(long... larger) {
        int lead = larger.length - rank();
        long[] t = new long[larger.length];
        boolean ok = lead >= 0;
        for (int i = Math.max(0, lead); ok && i < larger.length; i++) {
            long n = shape[i - lead];
            ok = n == 1 || n == larger[i];
            t[i] = n == 1 ? 0 : strides[i - lead];
        }
        if (!ok) {
            throw new InvalidArgument(
                    "shape",
                    "one that " + shapeText() + " broadcasts to",
                    Arrays.toString(larger),
                    "axes are 1 or equal");
        }
        return view(larger.clone(), t, offset);
    }

    /** A view with the sizes and strides of the caller, checked by nobody. */
    private Tensor view(long[] viewShape, long[] viewStrides, long viewOffset) {
        checkOpen();
        allocation.retain();
        return new Tensor(allocation, dtype, viewShape, viewStrides, viewOffset);
    }

    /** The elements in row-major order of this shape, 16-bit types widened. Waits for the work that writes them. */
    public float[] toFloatArray() {
        if (!dtype.isFloat()) {
            throw new InvalidArgument("tensor", "a floating-point dtype", dtype.name(), "read it by toIntArray");
        }
        float[] out = new float[javaLength()];
        if (out.length > 0 && dtype == DType.F32 && span() == out.length && Arrays.equals(strides, rowMajor(shape))) {
            storage().read(4 * offset, MemorySegment.ofArray(out));
            return out;
        }
        gather((segment, i, k) -> out[i] = switch (dtype) {
            case F16 -> Float.float16ToFloat(segment.getAtIndex(ValueLayout.JAVA_SHORT, k));
            case BF16 -> HalfFloats.fromBf16(segment.getAtIndex(ValueLayout.JAVA_SHORT, k));
            default -> segment.getAtIndex(ValueLayout.JAVA_FLOAT, k);
        });
        return out;
    }

    /** The elements of an I32 or BOOL tensor in row-major order of this shape. */
    public int[] toIntArray() {
        if (dtype.isFloat()) {
            throw new InvalidArgument("tensor", "dtype I32 or BOOL", dtype.name(), "read it by toFloatArray");
        }
        int[] out = new int[javaLength()];
        gather((segment, i, k) -> out[i] = dtype == DType.I32
                ? segment.getAtIndex(ValueLayout.JAVA_INT, k)
                : segment.get(ValueLayout.JAVA_BYTE, k) == 0 ? 0 : 1);
        return out;
    }

    private int javaLength() {
        long n = elementCount();
        if (n > Integer.MAX_VALUE - 8) {
            throw new InvalidArgument(
                    "tensor", "fewer than 2^31 elements for a Java array", n + " elements", "read it in slices");
        }
        return (int) n;
    }

    private interface Element {
        void take(MemorySegment segment, int index, long position);
    }

    private void gather(Element element) {
        if (elementCount() == 0) {
            checkOpen();
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(span() * dtype.bytes(), 64);
            storage().read(offset * dtype.bytes(), bytes);
            long[] at = new long[rank()];
            long position = 0;
            for (int i = 0; ; i++) {
                element.take(bytes, i, position);
                int axis = rank() - 1;
                while (axis >= 0 && ++at[axis] == shape[axis]) {
                    position -= (shape[axis] - 1) * strides[axis];
                    at[axis--] = 0;
                }
                if (axis < 0) {
                    return;
                }
                position += strides[axis];
            }
        }
    }

    Allocation allocation() {
        checkOpen();
        return allocation;
    }

    void checkOpen() {
        if (closed.get()) {
            throw new Closed("tensor " + this);
        }
        allocation.backend.checkOpen();
    }

    String shapeText() {
        return Arrays.stream(shape).mapToObj(Long::toString).collect(Collectors.joining(", ", "[", "]"));
    }

    @Override
    public String toString() {
        return dtype + shapeText();
    }

    /** Lets go of the memory; work in flight that uses it ends first. Idempotent. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            allocation.release();
        }
    }
}
