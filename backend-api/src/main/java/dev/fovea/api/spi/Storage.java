package dev.fovea.api.spi;

import java.lang.foreign.MemorySegment;

/** Memory of one device. Freed once, by the library, when the last tensor on it is closed and no run uses it. */
public interface Storage {
    long byteSize();

    /** Copies out after all work enqueued on it so far; throws what went wrong with that work. */
    void read(long byteOffset, MemorySegment target);

    void write(long byteOffset, MemorySegment source);

    void free();
}
