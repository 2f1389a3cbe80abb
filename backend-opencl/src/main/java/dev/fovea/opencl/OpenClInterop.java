package dev.fovea.opencl;

import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.FoveaException.DeviceNotFound;
import dev.fovea.api.Tensor;
import dev.fovea.api.spi.Storage;
import dev.fovea.opencl.runtime.BinaryCache;
import dev.fovea.opencl.runtime.DeviceSearch;
import dev.fovea.opencl.runtime.FoundDevice;

/**
 * OpenCL objects shared with another library of this process, by raw handles: pointers as C has them. An optional capability, reached by
 * {@code backend.capability(OpenClInterop.class)}.
 *
 * <p>Order: calls that name no stream run on the queue of {@link #handles}. What either side enqueues there follows what is there
 * already, and reading a tensor whose memory is shared waits for all of it. For other queues the two sides have to wait for each other.
 *
 * <p>Ownership: what is taken over is retained, and released when the backend (context and queue) or the last tensor on it (memory)
 * closes; its maker may release it any time. What is handed out is not retained: it lives as long as the backend or the tensor is open,
 * and whoever needs it longer retains it. A handle that is no such object ends the process, as in C.
 */
public interface OpenClInterop {
    /** Raw {@code cl_context}, {@code cl_device_id} and in-order {@code cl_command_queue}. */
    record Handles(long context, long device, long queue) {}

    /**
     * A backend on another library's context, device and queue. If the device is lost, it stays lost: only the context's maker can make
     * another.
     */
    static Backend open(Handles handles) {
        FoundDevice device = DeviceSearch.run().devices().stream()
                .filter(d -> d.rawHandle() == handles.device())
                .findFirst()
                .orElseThrow(() -> new DeviceNotFound(
                        "opencl", "the device handle given is none of the OpenCL devices that can be used"));
        return Backends.on(
                new OpenClBackend(device, handles, BinaryCache.of(System.getenv(), System.getProperty("user.home"))));
    }

    /** Context and device of this backend, and the queue of the calls that name no stream. */
    Handles handles();

    /** Another library's {@code cl_mem} of this context as storage, without a copy: {@code backend.tensorOn(storage, dtype, shape)}. */
    Storage storageOf(long memory);

    /** The {@code cl_mem} that a tensor of this backend lies in, at {@link Tensor#offset} elements. */
    long memoryOf(Tensor tensor);
}
