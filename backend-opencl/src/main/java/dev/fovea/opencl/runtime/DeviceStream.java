package dev.fovea.opencl.runtime;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.FoveaException;
import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.spi.Profiled;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jocl.CL;
import org.jocl.Pointer;
import org.jocl.Sizeof;
import org.jocl.cl_command_queue;
import org.jocl.cl_event;
import org.jspecify.annotations.Nullable;

/**
 * An in-order stream. It outlives the context: after a device was lost, the next run gets a queue in the context that took its
 * place.
 */
public final class DeviceStream implements ExecutionStream, Profiled {
    private @Nullable Queue queue;
    private boolean profiling;
    private boolean closed;
    private List<cl_event> lastRun = List.of();
    private @Nullable DeviceStorage workspace;
    private @Nullable DeviceStorage tickets;

    private boolean foreign;
    private long runs;
    private volatile long finished;

    /** A stream on the queue that an adopted context came with. */
    public static DeviceStream on(DeviceContext context) {
        DeviceStream stream = new DeviceStream();
        cl_command_queue handle = context.transfers();
        context.use(() -> Status.of(() -> CL.clRetainCommandQueue(handle)));
        stream.foreign = true;
        stream.queue = new Queue(context, handle, context.own(() -> Status.of(() -> CL.clReleaseCommandQueue(handle))));
        return stream;
    }

    /** The raw {@code cl_command_queue} in a context, made now if there is none yet. */
    public synchronized long rawHandle(DeviceContext context) {
        return context.use(() -> queueIn(context).handle.getNativePointer());
    }

    /** A queue in the context it belongs to. */
    private record Queue(DeviceContext context, cl_command_queue handle, Owned owner) {}

    /**
     * Enqueues launches that use a workspace of at least so many bytes, which is theirs until the next run of this stream: the queue
     * is in order, so that one buffer serves all runs.
     */
    public synchronized void run(
            DeviceContext context, long workspaceBytes, Function<DeviceStorage, List<Launch>> launches) {
        if (closed) {
            throw new Closed("stream");
        }
        DeviceStorage w = workspace;
        if (w == null || w.context() != context || w.byteSize() < workspaceBytes) {
            freeWorkspace();
            w = context.allocate(workspaceBytes);
            workspace = w;
        }
        run(context, launches.apply(w));
    }

    /**
     * A buffer of at least so many bytes for kernels whose work-groups take work from a counter: zeros at first, and each of them leaves it
     * as it found it. It lives as long as the stream, so that no call has to fill it.
     */
    public synchronized DeviceStorage tickets(DeviceContext context, long bytes) {
        DeviceStorage t = tickets;
        if (t == null || t.context() != context || t.byteSize() < bytes) {
            if (t != null) {
                t.free();
            }
            DeviceStorage made = context.allocate(bytes);
            made.usedBy(this, ++runs);
            tickets = made;
            t = made;
            context.use(() -> {
                context.check(
                        Status.of(() -> CL.clEnqueueFillBuffer(
                                queueIn(context).handle,
                                made.handle(),
                                Pointer.to(new byte[1]),
                                1,
                                0,
                                made.byteSize(),
                                0,
                                null,
                                null)),
                        "clearing a counter",
                        bytes);
                return true;
            });
        }
        return t;
    }

    /** The driver keeps the memory until the work that uses it is done. */
    private void freeWorkspace() {
        if (workspace != null) {
            workspace.free();
            workspace = null;
        }
    }

    /** Enqueues launches of one context together, and returns. */
    public synchronized void run(DeviceContext context, List<Launch> launches) {
        if (closed) {
            throw new Closed("stream");
        }
        context.use(() -> {
            cl_command_queue handle = queueIn(context).handle;
            long number = ++runs;
            forgetEvents();
            List<cl_event> events = new ArrayList<>();
            for (Launch launch : launches) {
                if (launch.groups() == 0) {
                    continue;
                }
                for (KernelArgument a : launch.arguments()) {
                    if (a instanceof KernelArgument.Memory m) {
                        m.storage().usedBy(this, number);
                    }
                }
                cl_event event = profiling ? new cl_event() : null;
                launch.kernel().enqueue(handle, launch, event);
                if (event != null) {
                    events.add(event);
                }
            }
            lastRun = events;
            context.check(Status.of(() -> CL.clFlush(handle)), "starting work", 0);
            return true;
        });
    }

    private Queue queueIn(DeviceContext context) {
        Queue q = queue;
        if (q == null || q.context != context) {
            cl_command_queue handle = context.newQueue(profiling);
            q = new Queue(context, handle, context.own(() -> Status.of(() -> CL.clReleaseCommandQueue(handle))));
            queue = q;
        }
        return q;
    }

    @Override
    public void await() {
        Queue q = current();
        if (q != null) {
            if (q.context.isLost()) {
                drop(q);
            }
            finish(q);
        }
    }

    /** Waits if this stream's work is in the context given. */
    void awaitIn(DeviceContext context) {
        Queue q = current();
        if (q != null && q.context == context) {
            finish(q);
        }
    }

    /** Waits if that run of this stream is in the context given and not known to be done. */
    void awaitRun(DeviceContext context, long run) {
        if (!isDone(run)) {
            awaitIn(context);
        }
    }

    boolean isDone(long run) {
        return finished >= run;
    }

    private synchronized @Nullable Queue current() {
        return queue;
    }

    private synchronized void drop(Queue q) {
        if (queue == q) {
            queue = null;
            lastRun = List.of();
        }
    }

    /**
     * Waits on a reference of its own and without the lock of this, so that runs of other threads go on meanwhile. The lock of a
     * stream is never taken inside a use of the context: closing the context would then deadlock with the two.
     */
    private void finish(Queue q) {
        long upTo;
        synchronized (this) {
            if (q.owner.isReleased()) {
                return;
            }
            upTo = runs;
            q.context.use(() -> Status.of(() -> CL.clRetainCommandQueue(q.handle)));
        }
        q.context.use(() -> {
            int status = Status.of(() -> CL.clFinish(q.handle));
            Status.of(() -> CL.clReleaseCommandQueue(q.handle));
            q.context.checkWaited(status, "running kernels");
            return true;
        });
        synchronized (this) {
            finished = Math.max(finished, upTo);
        }
    }

    @Override
    public void profile(boolean on) {
        await();
        synchronized (this) {
            profiling = on;
            if (!foreign) { // its maker has decided whether it can be measured
                release();
            }
        }
    }

    @Override
    public synchronized long lastRunNanos() {
        Queue q = queue;
        if (q == null || lastRun.isEmpty()) {
            return -1;
        }
        return q.context.use(() -> {
            cl_event last = lastRun.getLast();
            q.context.checkWaited(Status.of(() -> CL.clWaitForEvents(1, new cl_event[] {last})), "running kernels");
            long start = time(lastRun.getFirst(), CL.CL_PROFILING_COMMAND_START);
            long end = time(last, CL.CL_PROFILING_COMMAND_END);
            return start > 0 && end >= start ? end - start : -1L;
        });
    }

    private static long time(cl_event event, int moment) {
        long[] nanos = new long[1];
        int status =
                Status.of(() -> CL.clGetEventProfilingInfo(event, moment, Sizeof.cl_ulong, Pointer.to(nanos), null));
        return status == Status.SUCCESS ? nanos[0] : 0;
    }

    private void forgetEvents() {
        lastRun.forEach(e -> Status.of(() -> CL.clReleaseEvent(e)));
        lastRun = List.of();
    }

    /** Releases the queue; the caller holds the lock of this. */
    private void release() {
        Queue q = queue;
        if (q != null) {
            queue = null;
            if (!q.owner.isReleased()) {
                forgetEvents();
            }
            lastRun = List.of();
            q.owner.release();
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        try {
            await();
        } catch (FoveaException e) {
            System.getLogger(DeviceStream.class.getName())
                    .log(System.Logger.Level.WARNING, "work was lost when its stream closed", e);
        } finally {
            synchronized (this) {
                release();
                freeWorkspace();
                if (tickets != null) {
                    tickets.free();
                    tickets = null;
                }
            }
        }
    }
}
