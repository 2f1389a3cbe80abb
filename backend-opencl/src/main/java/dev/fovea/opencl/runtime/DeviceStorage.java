package dev.fovea.opencl.runtime;

import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.spi.Storage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jocl.CL;
import org.jocl.Pointer;
import org.jocl.cl_mem;
import org.jspecify.annotations.Nullable;

/** A buffer on the device. Transfers wait for the work of every stream that used it, and return when they are done. */
public final class DeviceStorage implements Storage {
    /** A direct buffer holds less than 2 GiB; a heap array is staged in pieces of this size. */
    private static final long PIECE = 1L << 30;

    private static final long STAGED_PIECE = 16L << 20;

    private final DeviceContext context;
    private final cl_mem handle;
    private final Owned owner;
    private final long bytes;
    private final boolean adopted;
    private final AtomicBoolean freed = new AtomicBoolean();
    /** The last run of each stream that uses this. */
    private final Map<DeviceStream, Long> otherUsers = new HashMap<>();

    private @Nullable DeviceStream user;
    private long usersRun;
    private volatile @Nullable DeviceStream shared;

    /** Memory; adopted: that somebody else made. */
    DeviceStorage(DeviceContext context, cl_mem handle, Owned owner, long bytes, boolean adopted) {
        this.context = context;
        this.handle = handle;
        this.owner = owner;
        this.bytes = bytes;
        this.adopted = adopted;
    }

    public DeviceContext context() {
        return context;
    }

    @Override
    public long byteSize() {
        return bytes;
    }

    /** Refuses a launch in another context, and of memory that is gone; a buffer of a lost device says so. */
    void checkUsable(DeviceContext other) {
        if (other != context) {
            context.use(() -> true);
            throw new IllegalStateException("memory of another context");
        }
        handle();
    }

    cl_mem handle() {
        if (freed.get() || owner.isReleased()) {
            throw new Closed("tensor");
        }
        return handle;
    }

    /** Said before the run is enqueued, under the lock of its stream. */
    void usedBy(DeviceStream stream, long run) {
        synchronized (otherUsers) {
            if (user == null || user == stream) {
                user = stream;
                usersRun = run;
            } else {
                otherUsers.put(stream, run);
            }
        }
    }

    /** From now on somebody else may enqueue work on this memory, by that stream's queue. */
    public void share(DeviceStream stream) {
        shared = stream;
    }

    /** Whether somebody else may use this memory too. */
    boolean isShared() {
        return shared != null;
    }

    boolean isAdopted() {
        return adopted;
    }

    /** The raw {@code cl_mem}. */
    public long rawHandle() {
        return handle().getNativePointer();
    }

    private void awaitUsers() {
        DeviceStream others = shared;
        if (others != null) {
            others.awaitIn(context);
        }
        Map<DeviceStream, Long> all;
        synchronized (otherUsers) {
            all = new HashMap<>(otherUsers);
            if (user != null) {
                all.put(user, usersRun);
            }
        }
        all.forEach((stream, run) -> stream.awaitRun(context, run));
        synchronized (otherUsers) {
            otherUsers.entrySet().removeIf(e -> e.getKey().isDone(e.getValue()));
        }
    }

    @Override
    public void read(long byteOffset, MemorySegment target) {
        transfer(byteOffset, target, true);
    }

    @Override
    public void write(long byteOffset, MemorySegment source) {
        transfer(byteOffset, source, false);
    }

    private void transfer(long byteOffset, MemorySegment host, boolean read) {
        Objects.checkFromIndexSize(byteOffset, host.byteSize(), bytes);
        awaitUsers();
        context.use(() -> {
            Staging staging = context.staging();
            if (staging != null) {
                move(staging, byteOffset, host, read);
            } else if (host.isNative()) {
                pieces(byteOffset, host, read);
            } else {
                staged(byteOffset, host, read);
            }
            return true;
        });
    }

    private void pieces(long byteOffset, MemorySegment host, boolean read) {
        for (long at = 0; at < host.byteSize(); at += PIECE) {
            MemorySegment piece = host.asSlice(at, Math.min(PIECE, host.byteSize() - at));
            move(byteOffset + at, piece, read);
        }
    }

    private void staged(long byteOffset, MemorySegment host, boolean read) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stage = arena.allocate(Math.min(STAGED_PIECE, host.byteSize()), 64);
            for (long at = 0; at < host.byteSize(); at += STAGED_PIECE) {
                long n = Math.min(STAGED_PIECE, host.byteSize() - at);
                MemorySegment piece = stage.asSlice(0, n);
                if (read) {
                    move(byteOffset + at, piece, true);
                    MemorySegment.copy(piece, 0, host, at, n);
                } else {
                    MemorySegment.copy(host, at, piece, 0, n);
                    move(byteOffset + at, piece, false);
                }
            }
        }
    }

    /** Excludes {@link #free}. */
    private synchronized void move(Staging staging, long byteOffset, MemorySegment host, boolean read) {
        if (read) {
            staging.read(handle(), byteOffset, host);
        } else {
            staging.write(handle(), byteOffset, host);
        }
    }

    /** The buffer view starts at the piece: JOCL ignores a buffer's position. Excludes {@link #free}. */
    private synchronized void move(long byteOffset, MemorySegment piece, boolean read) {
        Pointer pointer = Pointer.to(piece.asByteBuffer());
        long n = piece.byteSize();
        int status = Status.of(() -> read
                ? CL.clEnqueueReadBuffer(context.transfers(), handle(), true, byteOffset, n, pointer, 0, null, null)
                : CL.clEnqueueWriteBuffer(context.transfers(), handle(), true, byteOffset, n, pointer, 0, null, null));
        context.checkWaited(status, read ? "reading a tensor" : "writing a tensor");
    }

    /** Returns when no transfer is under way; none begins once this is free. */
    synchronized void awaitTransfer() {}

    /** Whether all work that was given this memory is known to be done. */
    boolean isIdle() {
        synchronized (otherUsers) {
            otherUsers.entrySet().removeIf(e -> e.getKey().isDone(e.getValue()));
            return otherUsers.isEmpty() && (user == null || user.isDone(usersRun));
        }
    }

    /** A storage on the memory of this, which is free and idle. */
    DeviceStorage anew() {
        return new DeviceStorage(context, handle, owner, bytes, false);
    }

    /** Gives the memory to the driver. */
    void release() {
        owner.release();
    }

    @Override
    public void free() {
        if (freed.compareAndSet(false, true)) {
            context.takeBack(this);
        }
    }
}
