package dev.fovea.opencl.runtime;

import dev.fovea.api.Bytes;
import dev.fovea.api.DType;
import dev.fovea.api.FoveaException;
import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.FoveaException.DeviceFailure;
import dev.fovea.api.FoveaException.DeviceLost;
import dev.fovea.api.FoveaException.OutOfDeviceMemory;
import dev.fovea.api.spi.BuildCount.Built;
import dev.fovea.api.spi.DeviceInfo;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jocl.CL;
import org.jocl.cl_command_queue;
import org.jocl.cl_context;
import org.jocl.cl_context_properties;
import org.jocl.cl_device_id;
import org.jocl.cl_mem;
import org.jspecify.annotations.Nullable;

/**
 * A context on one device with everything made in it. Dead for good once the device is lost; its owner then opens another. Uses
 * hold a lock that closing waits for, so that no handle goes away under a call.
 */
public final class DeviceContext implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(DeviceContext.class.getName());
    /** What an empty tensor takes, since an OpenCL buffer cannot be empty. */
    private static final long LEAST_BYTES = 64;
    /** The part of the memory that buffers of closed tensors may hold. */
    private static final long SPARE_PART = 32;

    private final FoundDevice device;
    private final cl_context handle;
    private final cl_command_queue transfers;
    private final Programs programs;
    private final ReadWriteLock lock = new ReentrantReadWriteLock();
    private final Set<Owned> owned = ConcurrentHashMap.newKeySet();
    private final Set<DeviceStorage> storages = ConcurrentHashMap.newKeySet();
    private final AtomicLong liveBytes = new AtomicLong();
    private final SpareBuffers spares;
    private @Nullable Staging staging;
    private boolean stagingTried;
    private volatile @Nullable String lost;
    private volatile boolean closed;

    private DeviceContext(
            FoundDevice device,
            cl_context handle,
            @Nullable cl_command_queue transfers,
            BinaryCache binaries,
            Consumer<Built> builds) {
        this.device = device;
        this.handle = handle;
        this.transfers = transfers == null ? newQueue(false) : transfers;
        this.programs = new Programs(this, binaries, builds);
        this.spares = new SpareBuffers(device.info().memoryBytes() / SPARE_PART);
    }

    /** Opens a context; {@code builds} is told of each program made ready in it. */
    public static DeviceContext open(FoundDevice device, BinaryCache binaries, Consumer<Built> builds) {
        cl_context_properties properties = new cl_context_properties();
        properties.addProperty(CL.CL_CONTEXT_PLATFORM, device.platform);
        Status.Made<cl_context> made = Status.made(
                status -> CL.clCreateContext(properties, 1, new cl_device_id[] {device.id}, null, null, status));
        if (made.status() != Status.SUCCESS || made.object() == null) {
            throw new DeviceFailure("no context on " + device.info().id() + ": " + Status.name(made.status()), null);
        }
        return new DeviceContext(device, made.object(), null, binaries, builds);
    }

    /**
     * Somebody else's context on this device, and its in-order queue, which transfers and {@link DeviceStream#on} use. Both are retained
     * until this closes.
     */
    public static DeviceContext adopt(
            FoundDevice device, long context, long queue, BinaryCache binaries, Consumer<Built> builds) {
        try (DeviceContext helper = open(device, BinaryCache.none(), builds)) {
            cl_context c = ForeignHandle.adopt(helper, context, new cl_context());
            cl_command_queue q = ForeignHandle.adopt(helper, queue, new cl_command_queue());
            ForeignHandle.checkQueue(q, c, device);
            helper.check(Status.of(() -> CL.clRetainContext(c)), "retaining a context", 0);
            helper.check(Status.of(() -> CL.clRetainCommandQueue(q)), "retaining a queue", 0);
            return new DeviceContext(device, c, q, binaries, builds);
        }
    }

    /** A buffer of this context that somebody else made, retained until it is freed; work on {@code stream} is waited for by every read. */
    public DeviceStorage adoptMemory(long memory, DeviceStream stream) {
        return use(() -> {
            cl_mem handle = ForeignHandle.adopt(this, memory, new cl_mem());
            long bytes = ForeignHandle.checkMemory(handle, this.handle);
            check(Status.of(() -> CL.clRetainMemObject(handle)), "retaining a buffer", 0);
            DeviceStorage storage = new DeviceStorage(
                    this, handle, own(() -> Status.of(() -> CL.clReleaseMemObject(handle))), bytes, true);
            storage.share(stream);
            storages.add(storage);
            return storage;
        });
    }

    /** The raw {@code cl_context}. */
    public long rawHandle() {
        return use(handle::getNativePointer);
    }

    public FoundDevice device() {
        return device;
    }

    /** Whether an engine can be used here; tries it at the first call. Not to be asked inside {@link #use}. */
    public MatrixEngine.Verdict engine(MatrixEngine engine, MatrixEngine.SelfTest test) {
        return device.engine(engine, Optional.empty(), this, test);
    }

    /** The same for one storage type, of an engine that does well with one and not with another. */
    public MatrixEngine.Verdict engine(MatrixEngine engine, DType type, MatrixEngine.SelfTest test) {
        return device.engine(engine, Optional.of(type), this, test);
    }

    /** Bytes that live storage occupies. */
    public long liveBytes() {
        return liveBytes.get();
    }

    public boolean isLost() {
        return lost != null;
    }

    /** Ends the context as a lost device does; from now on everything in it answers {@code DeviceLost}. */
    public void markLost(String reason) {
        if (lost == null) {
            lost = reason;
            LOG.log(
                    System.Logger.Level.WARNING,
                    "device {0} was lost: {1}",
                    device.info().id(),
                    reason);
        }
    }

    /** Memory for {@code bytes}; throws {@code OutOfDeviceMemory} before the driver could fail late. */
    public DeviceStorage allocate(long bytes) {
        return use(() -> {
            long free = device.info().memoryBytes() - liveBytes.get();
            if (bytes > device.info().maxAllocationBytes()) {
                throw outOfMemory(
                        bytes,
                        "one tensor can have at most "
                                + Bytes.text(device.info().maxAllocationBytes()) + " here: split it");
            }
            if (bytes > free) {
                throw outOfMemory(bytes, "close tensors that are no longer needed");
            }
            DeviceStorage spare = spares.take(bytes);
            if (spare == null && bytes > free - spares.bytes()) {
                spares.clear();
            }
            DeviceStorage storage = spare == null ? buffer(bytes) : spare.anew();
            liveBytes.addAndGet(bytes);
            storages.add(storage);
            return storage;
        });
    }

    /** Takes back the memory of a storage that nobody uses from now on. */
    void takeBack(DeviceStorage storage) {
        lock.readLock().lock(); // first, as transfers do
        try {
            storages.remove(storage);
            storage.awaitTransfer();
            if (!storage.isAdopted()) {
                liveBytes.addAndGet(-storage.byteSize());
            }
            if (closed || lost != null || storage.isShared() || !spares.give(storage)) {
                storage.release();
            }
        } finally {
            lock.readLock().unlock();
        }
    }

    /** Bytes that the driver still has for us though no tensor holds them. */
    long spareBytes() {
        return spares.bytes();
    }

    private DeviceStorage buffer(long bytes) {
        Status.Made<cl_mem> made = Status.made(
                status -> CL.clCreateBuffer(handle, CL.CL_MEM_READ_WRITE, Math.max(bytes, LEAST_BYTES), null, status));
        if (made.status() != Status.SUCCESS) {
            check(made.status(), "allocating " + Bytes.text(bytes), bytes);
        }
        cl_mem memory = Objects.requireNonNull(made.object());
        return new DeviceStorage(this, memory, own(() -> Status.of(() -> CL.clReleaseMemObject(memory))), bytes, false);
    }

    /** What transfers go through; null where device memory is the host's, or the driver has no memory for it. Called inside a use. */
    synchronized @Nullable Staging staging() {
        if (!stagingTried) {
            stagingTried = true;
            if (device.info().kind() != DeviceInfo.Kind.OPENCL_CPU) {
                try {
                    staging = new Staging(this, Staging.CHUNK_BYTES, Staging.COPIERS);
                } catch (OutOfDeviceMemory | DeviceFailure e) {
                    LOG.log(System.Logger.Level.DEBUG, "transfers go without page-locked memory", e);
                }
            }
        }
        return staging;
    }

    public Programs programs() {
        return programs;
    }

    cl_context handle() {
        return handle;
    }

    cl_command_queue transfers() {
        return transfers;
    }

    /** Runs a call that uses handles of this context; they stay until it returns. */
    <T> T use(Supplier<T> call) {
        lock.readLock().lock();
        try {
            checkUsable();
            return call.get();
        } finally {
            lock.readLock().unlock();
        }
    }

    private void checkUsable() {
        String reason = lost;
        if (reason != null) {
            throw new DeviceLost(device.info().id(), reason);
        }
        if (closed) {
            throw new Closed("backend " + device.info().id());
        }
    }

    /** An in-order queue, to be released through {@link #own} or with the context. */
    @SuppressWarnings("deprecation") // the call that took its place is missing on platforms of OpenCL 1.2
    cl_command_queue newQueue(boolean profiling) {
        Status.Made<cl_command_queue> made = Status.made(status ->
                CL.clCreateCommandQueue(handle, device.id, profiling ? CL.CL_QUEUE_PROFILING_ENABLE : 0, status));
        check(made.status(), "making a queue", 0);
        return Objects.requireNonNull(made.object());
    }

    Owned own(Runnable release) {
        Owned o = new Owned(this, release);
        owned.add(o);
        return o;
    }

    void forget(Owned o) {
        owned.remove(o);
    }

    /** Throws what the status of a call that does not wait for work means. */
    void check(int status, String what, long bytes) {
        if (status != Status.SUCCESS) {
            throw failure(status, what, bytes, false);
        }
    }

    /** Throws what the status of a call that waited for work means. */
    void checkWaited(int status, String what) {
        if (status != Status.SUCCESS) {
            throw failure(status, what, 0, true);
        }
    }

    private FoveaException failure(int status, String what, long bytes, boolean waited) {
        if (Status.isLoss(status, waited)) {
            markLost(what + ": " + Status.name(status));
            return new DeviceLost(device.info().id(), String.valueOf(lost));
        }
        if (Status.isOutOfMemory(status)) {
            spares.clear(); // for whoever tries again
        }
        return Status.isOutOfMemory(status)
                ? outOfMemory(
                        bytes, "close tensors that are no longer needed (the driver says " + Status.name(status) + ")")
                : new DeviceFailure(device.info().id() + ", " + what + ": " + Status.name(status), null);
    }

    private OutOfDeviceMemory outOfMemory(long bytes, String remedy) {
        long free = Math.max(0, device.info().memoryBytes() - liveBytes.get());
        return new OutOfDeviceMemory(device.info().id(), bytes, free, remedy);
    }

    /** Releases everything in the context after the uses under way; storage that is still open is reported. Idempotent. */
    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            if (!storages.isEmpty() && lost == null) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "{0} closed with tensors still open: {1}, {2} in all; close every tensor",
                        device.info().id(),
                        storages.size(),
                        Bytes.text(liveBytes.get()));
            }
            spares.clear();
            for (Owned o : List.copyOf(owned)) {
                o.release();
            }
            storages.clear();
            Status.of(() -> CL.clReleaseCommandQueue(transfers));
            Status.of(() -> CL.clReleaseContext(handle));
        } finally {
            lock.writeLock().unlock();
        }
    }
}
