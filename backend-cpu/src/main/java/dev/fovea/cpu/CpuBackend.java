package dev.fovea.cpu;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.FoveaException.OutOfDeviceMemory;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.GatherSpec;
import dev.fovea.api.spec.MapSpec;
import dev.fovea.api.spec.MatMulSpec;
import dev.fovea.api.spec.MergeSpec;
import dev.fovea.api.spec.Primitive;
import dev.fovea.api.spec.ReduceSpec;
import dev.fovea.api.spec.RotarySpec;
import dev.fovea.api.spec.SelectSpec;
import dev.fovea.api.spec.TransferSpec;
import dev.fovea.api.spi.DeviceBackend;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.api.spi.Roofline;
import dev.fovea.api.spi.Storage;
import dev.fovea.api.spi.Support;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** An open CPU device: its storages, its threads and their scratch memory. */
final class CpuBackend implements DeviceBackend, Roofline {
    private static final int ALIGNMENT = 64;

    /** Bytes that may be allocated between two looks at the free memory, which cost more than a small allocation. */
    private static final long UNCHECKED = 16 << 20;

    private final DeviceInfo info;
    private final KernelSet kernels;
    private final WorkerPool pool;
    private final ScratchPool scratch;
    private final Set<CpuStorage> live = ConcurrentHashMap.newKeySet();
    private final AtomicLong storageBytes = new AtomicLong();
    private final AtomicLong unchecked = new AtomicLong();
    private final AtomicBoolean closed = new AtomicBoolean();

    CpuBackend(DeviceInfo info, KernelSet kernels, int threads) {
        this.info = info;
        this.kernels = kernels;
        this.scratch = new ScratchPool(kernels.wide().halves(), kernels.wide().codes());
        this.pool = new WorkerPool(threads);
    }

    @Override
    public DeviceInfo info() {
        return info;
    }

    @Override
    public Support supports(Primitive<?> primitive) {
        return switch (primitive) {
            case AttentionSpec _,
                    MergeSpec _,
                    TransferSpec _,
                    RotarySpec _,
                    MatMulSpec _,
                    MapSpec _,
                    ReduceSpec _,
                    GatherSpec _,
                    SelectSpec _ -> new Support.Yes();
        };
    }

    @Override
    public DevicePlan prepare(Primitive<?> primitive) {
        checkOpen();
        return switch (primitive) {
            case AttentionSpec spec -> new AttentionCpuPlan(this, spec);
            case MergeSpec spec -> new MergeCpuPlan(this, spec);
            case TransferSpec spec -> new TransferCpuPlan(this, spec);
            case RotarySpec spec -> new RotaryCpuPlan(this, spec);
            case MatMulSpec spec -> new MatMulCpuPlan(this, spec);
            case MapSpec spec -> MapCpuPlan.of(this, spec);
            case ReduceSpec spec -> new ReduceCpuPlan(this, spec);
            case GatherSpec spec -> new GatherCpuPlan(this, spec);
            case SelectSpec spec -> new SelectCpuPlan(this, spec);
        };
    }

    KernelSet kernels() {
        return kernels;
    }

    WorkerPool pool() {
        return pool;
    }

    ScratchPool scratch() {
        return scratch;
    }

    /** Work on one index with the scratch of a thread. */
    interface IndexWork {
        void run(long index, Scratch scratch);
    }

    /** Runs independent pieces of work, neighbours together in tasks of some size. */
    void forEach(long count, int taskSize, IndexWork work) {
        pool.run((count + taskSize - 1) / taskSize, next -> {
            Scratch mine = scratch.take();
            try {
                for (long t = next.next(); t >= 0; t = next.next()) {
                    long end = Math.min(count, (t + 1) * taskSize);
                    for (long i = t * taskSize; i < end; i++) {
                        work.run(i, mine);
                    }
                }
            } finally {
                scratch.giveBack(mine);
            }
        });
        Warming.worked();
    }

    /** Refuses what exceeds the free memory: overcommitted pages would get the process killed at first touch. */
    @Override
    @SuppressWarnings("MustBeClosedChecker") // the storage closes the arena
    public Storage allocate(long bytes) {
        checkOpen();
        if (unchecked.addAndGet(Math.min(bytes, UNCHECKED)) >= UNCHECKED) {
            long free = Host.freeMemory();
            if (bytes > free) {
                throw tooLarge(bytes, free);
            }
            unchecked.set(0);
        }
        Arena arena = Arena.ofShared();
        try {
            CpuStorage storage = new CpuStorage(this, arena.allocate(bytes, ALIGNMENT), arena);
            storageBytes.addAndGet(bytes);
            live.add(storage);
            if (closed.get()) {
                storage.free();
                checkOpen();
            }
            return storage;
        } catch (OutOfMemoryError e) {
            arena.close();
            throw tooLarge(bytes, Host.freeMemory());
        }
    }

    private OutOfDeviceMemory tooLarge(long bytes, long free) {
        return new OutOfDeviceMemory(info.id(), bytes, free, "close tensors, or use smaller ones");
    }

    @Override
    public Storage wrap(MemorySegment segment) {
        checkOpen();
        return new CpuStorage(this, segment, null);
    }

    @Override
    public ExecutionStream newStream() {
        checkOpen();
        return new CpuStream();
    }

    @Override
    public long allocatedBytes() {
        return storageBytes.get() + scratch.bytes();
    }

    void forget(CpuStorage storage) {
        if (storage.owned() && live.remove(storage)) {
            storageBytes.addAndGet(-storage.byteSize());
        }
    }

    @Override
    public double multiplyAdd() {
        checkOpen();
        return new CpuRoofline(this).multiplyAdd();
    }

    @Override
    public void sum(Storage storage) {
        checkOpen();
        new CpuRoofline(this).sum(((CpuStorage) storage).segment());
    }

    void checkOpen() {
        if (closed.get()) {
            throw new Closed("backend " + info.id());
        }
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            pool.close();
            live.forEach(CpuStorage::free);
            scratch.clear();
        }
    }

    /** A run is complete when it returns, so there is never anything to wait for. */
    private static final class CpuStream implements ExecutionStream {
        @Override
        public void await() {}

        @Override
        public void close() {}
    }
}
