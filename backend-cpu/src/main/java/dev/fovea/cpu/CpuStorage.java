package dev.fovea.cpu;

import dev.fovea.api.spi.Storage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** Native memory: of an arena of its own, or the caller's. */
final class CpuStorage implements Storage {
    private final CpuBackend backend;
    private final MemorySegment segment;
    private final @Nullable Arena arena;
    private final AtomicBoolean freed = new AtomicBoolean();

    CpuStorage(CpuBackend backend, MemorySegment segment, @Nullable Arena arena) {
        this.backend = backend;
        this.segment = segment;
        this.arena = arena;
    }

    MemorySegment segment() {
        return segment;
    }

    boolean owned() {
        return arena != null;
    }

    @Override
    public long byteSize() {
        return segment.byteSize();
    }

    @Override
    public void read(long byteOffset, MemorySegment target) {
        MemorySegment.copy(segment, byteOffset, target, 0, target.byteSize());
    }

    @Override
    public void write(long byteOffset, MemorySegment source) {
        MemorySegment.copy(source, 0, segment, byteOffset, source.byteSize());
    }

    @Override
    public void free() {
        if (freed.compareAndSet(false, true)) {
            backend.forget(this);
            if (arena != null) {
                arena.close();
            }
        }
    }
}
