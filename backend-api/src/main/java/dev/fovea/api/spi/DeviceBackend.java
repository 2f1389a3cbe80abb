package dev.fovea.api.spi;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Primitive;
import java.lang.foreign.MemorySegment;

/**
 * An open device, as its provider implements it. Arguments arrive validated: shapes, types, devices, overlaps and the values of
 * index tensors were checked by {@link dev.fovea.api.Backend}. Safe for use by several threads.
 */
public interface DeviceBackend extends AutoCloseable {
    DeviceInfo info();

    Support supports(Primitive<?> primitive);

    /** Picks and builds kernels. Called only for what {@link #supports} affirms; expensive, cached by the caller. */
    DevicePlan prepare(Primitive<?> primitive);

    /** Memory for one tensor, not initialised. Zero bytes are legal. Throws {@code OutOfDeviceMemory}. */
    Storage allocate(long bytes);

    /** Native memory of the caller as storage, without a copy; throws {@code Unsupported} where that cannot be. */
    Storage wrap(MemorySegment segment);

    ExecutionStream newStream();

    /** Bytes that live storage and workspaces occupy now. */
    long allocatedBytes();

    /** Releases everything; idempotent. */
    @Override
    void close();
}
