package dev.fovea.opencl.runtime;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Buffers of closed tensors, for new ones of the same size: a driver takes longer to make, place and free a buffer than to start a kernel. Only
 * a buffer whose work is known to be done is given out, so that it is as good as new to every stream.
 */
final class SpareBuffers {
    private final long mostBytes;
    private final Map<Long, Deque<DeviceStorage>> bySize = new HashMap<>();
    private long bytes;

    SpareBuffers(long mostBytes) {
        this.mostBytes = mostBytes;
    }

    /** One of this size, the longest unused, or null. */
    synchronized @Nullable DeviceStorage take(long size) {
        Deque<DeviceStorage> all = bySize.get(size);
        if (all == null || all.isEmpty() || !all.getFirst().isIdle()) {
            return null;
        }
        bytes -= size;
        return all.removeFirst();
    }

    /** Takes it in; false: the caller releases it. Whatever else is here is released when there is no room. */
    synchronized boolean give(DeviceStorage storage) {
        long size = storage.byteSize();
        if (size == 0 || size > mostBytes) {
            return false;
        }
        if (bytes + size > mostBytes) {
            clear();
        }
        bySize.computeIfAbsent(size, _ -> new ArrayDeque<>()).addLast(storage);
        bytes += size;
        return true;
    }

    synchronized long bytes() {
        return bytes;
    }

    /** Releases all; the driver keeps what work in flight uses. */
    synchronized void clear() {
        bySize.values().forEach(all -> all.forEach(DeviceStorage::release));
        bySize.clear();
        bytes = 0;
    }
}
