package dev.fovea.opencl.runtime;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jocl.CL;
import org.jocl.Pointer;
import org.jocl.cl_event;
import org.jocl.cl_mem;
import org.jspecify.annotations.Nullable;

/**
 * Two pieces of page-locked host memory that transfers go through in turn: one is copied by the processor while the device copies the
 * other. A driver moves ordinary memory several times slower. One transfer at a time.
 */
final class Staging {
    static final int CHUNK_BYTES = 16 << 20;
    static final int COPIERS = 8;

    private static final int LEAST_PIECE = 2 << 20;
    private static final long PAGE = 4096;

    /** Below this a part is not worth another thread. */
    private static final int LEAST_PART = 512 << 10;

    /** Stands for any thread but the caller's: memory of a confined arena is not for it. */
    private static final Thread ANOTHER = Thread.ofPlatform().unstarted(() -> {});

    private final DeviceContext context;
    private final int chunkBytes;
    private final int copiers;
    private final List<Chunk> chunks = new ArrayList<>();

    private static final class Chunk {
        private final MemorySegment memory;
        private final ByteBuffer start;
        private @Nullable cl_event busy;

        Chunk(ByteBuffer start) {
            this.memory = MemorySegment.ofBuffer(start);
            this.start = start;
        }
    }

    /** With chunks of this size, each copied by up to so many threads; throws what an allocation throws. */
    Staging(DeviceContext context, int chunkBytes, int copiers) {
        this.context = context;
        this.chunkBytes = chunkBytes;
        this.copiers = copiers;
        for (int i = 0; i < 2; i++) {
            chunks.add(new Chunk(mapped()));
        }
    }

    private ByteBuffer mapped() {
        Status.Made<cl_mem> made = Status.made(status -> CL.clCreateBuffer(
                context.handle(), CL.CL_MEM_READ_WRITE | CL.CL_MEM_ALLOC_HOST_PTR, chunkBytes, null, status));
        context.check(made.status(), "allocating page-locked memory", chunkBytes);
        cl_mem memory = Objects.requireNonNull(made.object());
        Owned owner = context.own(() -> Status.of(() -> CL.clReleaseMemObject(memory)));
        Status.Made<ByteBuffer> map = Status.made(status -> CL.clEnqueueMapBuffer(
                context.transfers(),
                memory,
                true,
                CL.CL_MAP_READ | CL.CL_MAP_WRITE,
                0,
                chunkBytes,
                0,
                null,
                null,
                status));
        ByteBuffer start = map.object();
        if (map.status() != Status.SUCCESS || start == null) {
            owner.release();
            context.check(map.status(), "mapping page-locked memory", chunkBytes);
            throw new IllegalStateException("mapped memory is nowhere");
        }
        return start;
    }

    /** Copies into a buffer; returns when it is there. */
    synchronized void write(cl_mem to, long offset, MemorySegment from) {
        int piece = piece(from.byteSize());
        try {
            for (long at = 0; at < from.byteSize(); at += piece) {
                Chunk chunk = chunks.get((int) (at / piece & 1));
                int n = (int) Math.min(piece, from.byteSize() - at);
                await(chunk);
                copy(from, at, chunk.memory, 0, n);
                enqueue(chunk, to, offset + at, n, false);
            }
        } finally {
            chunks.forEach(this::await);
        }
    }

    /** Copies out of a buffer. */
    synchronized void read(cl_mem from, long offset, MemorySegment to) {
        int piece = piece(to.byteSize());
        try {
            for (long at = -piece; at < to.byteSize(); at += piece) {
                long ahead = at + piece;
                if (ahead < to.byteSize()) {
                    Chunk chunk = chunks.get((int) (ahead / piece & 1));
                    enqueue(chunk, from, offset + ahead, (int) Math.min(piece, to.byteSize() - ahead), true);
                }
                if (at >= 0) {
                    Chunk chunk = chunks.get((int) (at / piece & 1));
                    await(chunk);
                    copy(chunk.memory, 0, to, at, (int) Math.min(piece, to.byteSize() - at));
                }
            }
        } finally {
            chunks.forEach(this::await);
        }
    }

    /** A quarter of the whole, so that both ends have work, between what is worth a call and a chunk. */
    private int piece(long bytes) {
        return (int) Math.min(chunkBytes, Math.max(LEAST_PIECE, Math.ceilDiv(bytes, 4 * PAGE) * PAGE));
    }

    private void enqueue(Chunk chunk, cl_mem buffer, long offset, int n, boolean read) {
        Pointer pointer = Pointer.to(chunk.start);
        cl_event done = new cl_event();
        int status = Status.of(() -> read
                ? CL.clEnqueueReadBuffer(context.transfers(), buffer, false, offset, n, pointer, 0, null, done)
                : CL.clEnqueueWriteBuffer(context.transfers(), buffer, false, offset, n, pointer, 0, null, done));
        context.check(status, read ? "reading a tensor" : "writing a tensor", 0);
        chunk.busy = done;
        context.check(Status.of(() -> CL.clFlush(context.transfers())), "starting a transfer", 0);
    }

    private void await(Chunk chunk) {
        cl_event event = chunk.busy;
        if (event != null) {
            chunk.busy = null;
            int status = Status.of(() -> CL.clWaitForEvents(1, new cl_event[] {event}));
            Status.of(() -> CL.clReleaseEvent(event));
            context.checkWaited(status, "moving a tensor");
        }
    }

    private void copy(MemorySegment from, long fromAt, MemorySegment to, long toAt, int n) {
        int parts = Math.clamp(n / LEAST_PART, 1, copiers);
        if (parts == 1 || !from.isAccessibleBy(ANOTHER) || !to.isAccessibleBy(ANOTHER)) {
            MemorySegment.copy(from, fromAt, to, toAt, n);
            return;
        }
        int part = Math.ceilDiv(n, parts);
        IntStream.range(0, parts).parallel().forEach(i -> {
            int start = i * part;
            MemorySegment.copy(from, fromAt + start, to, toAt + start, Math.min(part, n - start));
        });
    }
}
