package dev.fovea.api;

import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.FoveaException.OutOfDeviceMemory;
import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.MergeArguments;
import dev.fovea.api.spec.MergeSpec;
import dev.fovea.api.spec.Primitive;
import dev.fovea.api.spi.DeviceBackend;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.api.spi.Storage;
import dev.fovea.api.spi.Support;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * An open device: makes tensors, prepares and runs primitives. Safe for use by several threads. {@link #attend} is the short
 * way; {@link #prepare} is the way for those who keep their own outputs and plans.
 */
public final class Backend implements AutoCloseable {
    private static final int CACHED_PLANS = 256;

    /** Most elements of an I32 tensor whose values stay here too, so that schedules and lists are held to them. */
    private static final int KEPT_VALUES = 1 << 20;

    private final DeviceBackend device;
    private final Set<Allocation> allocations = ConcurrentHashMap.newKeySet();
    private final Map<Primitive<?>, Plan<?>> plans = new LinkedHashMap<>(16, 0.75f, true);
    private final Set<ExecutionStream> openStreams = ConcurrentHashMap.newKeySet();
    private final ExecutionStream defaultStream;
    private volatile boolean closed;

    Backend(DeviceBackend device) {
        this.device = device;
        this.defaultStream = device.newStream();
        openStreams.add(defaultStream);
    }

    public DeviceInfo info() {
        return device.info();
    }

    /** An optional capability of the device, one of the interfaces of {@code dev.fovea.api.spi} that say so. */
    public <T> Optional<T> capability(Class<T> type) {
        checkOpen();
        return type.isInstance(device) ? Optional.of(type.cast(device)) : Optional.empty();
    }

    /** Bytes that tensors and workspaces hold on the device now. */
    public long allocatedBytes() {
        checkOpen();
        return device.allocatedBytes();
    }

    /** An F32 tensor with a copy of the data, row-major. */
    public Tensor copyOf(float[] data, long... shape) {
        return copyOf(data, DType.F32, shape);
    }

    /** A tensor of a floating-point type with the data rounded to it, row-major. */
    public Tensor copyOf(float[] data, DType dtype, long... shape) {
        checkCount(data.length, shape);
        return switch (dtype) {
            case F32 -> copyOf(MemorySegment.ofArray(data), dtype, shape);
            case F16, BF16 -> {
                short[] packed = new short[data.length];
                HalfFloats.pack(data, dtype, packed);
                yield copyOf(MemorySegment.ofArray(packed), dtype, shape);
            }
            case I32, BOOL, BYTE ->
                throw new InvalidArgument("dtype", "F32, F16 or BF16", dtype.name(), "pass int[] or boolean[] instead");
        };
    }

    /** An I32 tensor with a copy of the data, row-major. */
    public Tensor copyOf(int[] data, long... shape) {
        checkCount(data.length, shape);
        return copyOf(MemorySegment.ofArray(data), DType.I32, shape);
    }

    /** A BOOL tensor with a copy of the data, row-major. */
    public Tensor copyOf(boolean[] data, long... shape) {
        checkCount(data.length, shape);
        byte[] bytes = new byte[data.length];
        for (int i = 0; i < data.length; i++) {
            bytes[i] = (byte) (data[i] ? 1 : 0);
        }
        return copyOf(MemorySegment.ofArray(bytes), DType.BOOL, shape);
    }

    /** A tensor with a copy of the bytes, row-major, native byte order. */
    public Tensor copyOf(MemorySegment data, DType dtype, long... shape) {
        long bytes = byteSize(dtype, shape);
        if (data.byteSize() != bytes) {
            throw new InvalidArgument(
                    "data",
                    bytes + " bytes for " + dtype + Arrays.toString(shape),
                    data.byteSize() + " bytes",
                    "match them");
        }
        return upload(data, dtype, shape, null);
    }

    /**
     * An I32 tensor of lists along the last axis, each checked to hold no number twice among its first {@code counts} entries: what a
     * selection of keys takes.
     *
     * @param counts entries in use of each list, in row-major order of the axes before the last
     */
    public Tensor listsOf(int[] data, int[] counts, long... shape) {
        checkCount(data.length, shape);
        int width = shape.length == 0 ? 1 : Math.toIntExact(shape[shape.length - 1]);
        if (width > 0 && counts.length != data.length / width) {
            throw new InvalidArgument(
                    "counts", data.length / width + " counts, one a list", counts.length + "", "match the shape");
        }
        for (int i = 0; i < counts.length; i++) {
            if (counts[i] < 0 || counts[i] > width) {
                throw new InvalidArgument("counts", "from 0 to " + width, counts[i] + " for list " + i, "correct it");
            }
            int[] list = Arrays.copyOfRange(data, i * width, i * width + counts[i]);
            Arrays.sort(list);
            for (int k = 1; k < list.length; k++) {
                if (list[k] == list[k - 1]) {
                    throw new InvalidArgument(
                            "lists", "each number once", list[k] + " twice in list " + i, "a key counts once");
                }
            }
        }
        return upload(MemorySegment.ofArray(data), DType.I32, shape, counts.clone());
    }

    private Tensor upload(MemorySegment data, DType dtype, long[] shape, int @Nullable [] listCounts) {
        boolean integers = dtype == DType.I32;
        IntFacts facts = integers ? IntFacts.of(data) : IntFacts.NONE;
        int[] values =
                integers && data.byteSize() / 4 <= KEPT_VALUES ? data.toArray(ValueLayout.JAVA_INT_UNALIGNED) : null;
        Tensor tensor = adopt(device.allocate(data.byteSize()), dtype, shape, facts, values, listCounts);
        try {
            tensor.storage().write(0, data);
            return tensor;
        } catch (RuntimeException e) {
            tensor.close();
            throw e;
        }
    }

    /** A tensor whose elements nobody has set: an output. */
    public Tensor allocate(DType dtype, long... shape) {
        return adopt(device.allocate(byteSize(dtype, shape)), dtype, shape, IntFacts.NONE, null, null);
    }

    /** [B, Hq, Sq, Dv] with heads and positions in the memory order of the query, so that BSHD stays BSHD. */
    Tensor outputLike(Tensor query, long valueDim) {
        long b = query.size(0);
        long h = query.size(1);
        long s = query.size(2);
        if (query.stride(1) >= query.stride(2) || h == 1 || s == 1) {
            return allocate(query.dtype(), b, h, s, valueDim);
        }
        try (Tensor bshd = allocate(query.dtype(), b, s, h, valueDim)) {
            return bshd.permute(0, 2, 1, 3);
        }
    }

    /**
     * A tensor on the caller's native memory, without a copy: it must be 64-byte aligned, stay alive while the tensor is
     * open, and not change during a run. Heap segments are refused, and so are devices with memory of their own.
     */
    public Tensor wrap(MemorySegment memory, DType dtype, long... shape) {
        if (!memory.isNative() || memory.address() % 64 != 0) {
            throw new InvalidArgument(
                    "memory",
                    "a native segment aligned to 64 bytes",
                    memory.isNative() ? "address " + memory.address() % 64 + " mod 64" : "a heap segment",
                    "allocate it by Arena.allocate(bytes, 64), or use copyOf");
        }
        long bytes = byteSize(dtype, shape);
        if (memory.byteSize() < bytes) {
            throw new InvalidArgument(
                    "memory", "at least " + bytes + " bytes", memory.byteSize() + " bytes", "match them");
        }
        if (dtype == DType.I32) {
            throw new InvalidArgument(
                    "dtype",
                    "a type without checked values",
                    "I32",
                    "indices and lengths are checked once: use copyOf");
        }
        return adopt(device.wrap(memory), dtype, shape, IntFacts.NONE, null, null);
    }

    /**
     * A row-major tensor on storage that a capability of this device made; closing it frees the storage. Its values are unknown to the checks, so
     * that it cannot hold indices or lengths.
     */
    public Tensor tensorOn(Storage storage, DType dtype, long... shape) {
        checkOpen();
        long bytes = byteSize(dtype, shape);
        if (storage.byteSize() < bytes) {
            throw new InvalidArgument(
                    "storage", "at least " + bytes + " bytes", storage.byteSize() + " bytes", "match them");
        }
        return adopt(storage, dtype, shape, IntFacts.NONE, null, null);
    }

    private Tensor adopt(
            Storage storage,
            DType dtype,
            long[] shape,
            IntFacts facts,
            int @Nullable [] values,
            int @Nullable [] listCounts) {
        Allocation allocation = new Allocation(this, storage, facts, values, listCounts);
        allocations.add(allocation);
        return new Tensor(allocation, dtype, shape.clone(), Tensor.rowMajor(shape), 0);
    }

    void forget(Allocation allocation) {
        allocations.remove(allocation);
    }

    /** Attention with the options given; the output is on this device, in the axis order of the query's memory. */
    public Tensor attend(Tensor query, Tensor key, Tensor value, Attention options) {
        return options.run(this, query, key, value).output();
    }

    /** As {@link #attend}, with the log-sum-exp and the scores that the options ask for. */
    public AttentionResult attendAll(Tensor query, Tensor key, Tensor value, Attention options) {
        return options.run(this, query, key, value);
    }

    /**
     * Room for the partial results of several calls of {@link #attendPart} with this query.
     *
     * @param valueDim columns of a value
     */
    public Partials partials(int parts, Tensor query, int valueDim) {
        return Partials.allocate(this, parts, query, valueDim);
    }

    /** Attention over a part of the keys, into a slot of the partial results: no sink, log-sum-exp, scores or output expression. */
    public void attendPart(Tensor query, Tensor key, Tensor value, Attention options, Partials parts, int part) {
        options.runPart(this, query, key, value, parts, part);
    }

    /** Attention over the keys of all parts, in this storage type, in the order of the parts. */
    public Tensor merge(Partials parts, DType storage) {
        Tensor acc = parts.accumulators();
        Tensor output = allocate(storage, acc.size(1), acc.size(2), acc.size(3), acc.size(4));
        try {
            MergeSpec spec =
                    new MergeSpec(storage, Math.toIntExact(acc.size(4)), MergeSpec.Rule.LOG_SUM_EXP, false, false);
            run(spec, new MergeArguments(parts.maxima(), parts.sums(), acc, null, null, output, null));
            return output;
        } catch (RuntimeException | Error e) {
            output.close();
            throw e;
        }
    }

    public Support supports(Primitive<?> primitive) {
        checkOpen();
        return device.supports(primitive);
    }

    /** Picks and builds the kernels for a spec; the caller closes the plan. */
    public AttentionPlan prepare(AttentionSpec spec) {
        return new AttentionPlan(this, spec, devicePlan(spec));
    }

    /** Picks and builds the kernels for a primitive; the caller closes the plan. */
    public <A extends Arguments> Plan<A> prepare(Primitive<A> primitive) {
        return new Plan<>(this, primitive, devicePlan(primitive));
    }

    private DevicePlan devicePlan(Primitive<?> primitive) {
        checkOpen();
        if (device.supports(primitive) instanceof Support.No no) {
            throw new Unsupported(info().id() + ": " + no.reason(), no.remedy());
        }
        return device.prepare(primitive);
    }

    /** Runs a primitive by a plan that this backend keeps. */
    @SuppressWarnings("unchecked") // a plan is kept under its own primitive
    public <A extends Arguments> void run(Primitive<A> primitive, A arguments) {
        Plan<?> plan = primitive instanceof AttentionSpec spec
                ? cachedPlan(spec)
                : cachedPlan(primitive, () -> prepare(primitive));
        ((Plan<A>) plan).run(arguments);
    }

    /** The plan of a spec from the cache of this backend; not closed by its user. */
    AttentionPlan cachedPlan(AttentionSpec spec) {
        return (AttentionPlan) cachedPlan(spec, () -> prepare(spec));
    }

    private Plan<?> cachedPlan(Primitive<?> primitive, Supplier<Plan<?>> maker) {
        synchronized (plans) {
            Plan<?> plan = plans.get(primitive);
            if (plan == null) {
                plan = maker.get();
                plans.put(primitive, plan);
                if (plans.size() > CACHED_PLANS) {
                    plans.remove(plans.keySet().iterator().next()); // a run may hold it: left to the backend's close
                }
            }
            return plan;
        }
    }

    public ExecutionStream newStream() {
        checkOpen();
        ExecutionStream stream = device.newStream();
        openStreams.add(stream);
        return stream;
    }

    /** The stream of all calls that name none, so that they see each other's results whatever thread makes them. */
    ExecutionStream defaultStream() {
        checkOpen();
        return defaultStream;
    }

    void checkOpen() {
        if (closed) {
            throw new Closed("backend " + device.info().id());
        }
    }

    private static void checkCount(long elements, long[] shape) {
        long expected = byteSize(DType.BOOL, shape);
        if (expected != elements) {
            throw new InvalidArgument(
                    "data", expected + " elements for shape " + Arrays.toString(shape), elements + "", "match them");
        }
    }

    static long byteSize(DType dtype, long[] shape) {
        long bytes = dtype.bytes();
        boolean overflow = false;
        for (long n : shape) {
            if (n < 0) {
                throw new InvalidArgument("shape", "sizes of at least 0", Arrays.toString(shape), "correct it");
            }
            overflow |= Math.multiplyHigh(bytes, n) != 0 || bytes * n < 0;
            bytes = n == 0 || bytes == 0 ? 0 : overflow ? Long.MAX_VALUE : bytes * n;
        }
        if (bytes == Long.MAX_VALUE) {
            throw new OutOfDeviceMemory("any device", bytes, 0, "use a smaller shape than " + Arrays.toString(shape));
        }
        return bytes;
    }

    /** Releases the device with every tensor, plan and stream on it. Idempotent. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (ExecutionStream stream : openStreams) {
            stream.close();
        }
        device.close();
    }
}
