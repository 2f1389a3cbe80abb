package dev.fovea.opencl.runtime;

import dev.fovea.api.FoveaException.InvalidArgument;
import java.util.Objects;
import org.jocl.CL;
import org.jocl.NativePointerObject;
import org.jocl.Pointer;
import org.jocl.Sizeof;
import org.jocl.cl_command_queue;
import org.jocl.cl_context;
import org.jocl.cl_device_id;
import org.jocl.cl_mem;

/**
 * Objects of JOCL for handles that were made elsewhere. JOCL has no constructor for that, but it takes over what a call writes into the
 * place of a handle: so the number goes through a buffer.
 */
final class ForeignHandle {
    private ForeignHandle() {}

    /** Puts the handle into an object that stands for none yet. */
    static <T extends NativePointerObject> T adopt(DeviceContext helper, long handle, T object) {
        if (handle == 0) {
            throw new InvalidArgument("OpenCL handle", "a raw handle", "0", "pass what the other library holds");
        }
        return helper.use(() -> {
            Pointer number = Pointer.to(new long[] {handle});
            Status.Made<cl_mem> made = Status.made(status -> CL.clCreateBuffer(
                    helper.handle(), CL.CL_MEM_READ_WRITE | CL.CL_MEM_COPY_HOST_PTR, Long.BYTES, number, status));
            helper.check(made.status(), "taking over a handle", Long.BYTES);
            cl_mem buffer = Objects.requireNonNull(made.object());
            int status = Status.of(() -> CL.clEnqueueReadBuffer(
                    helper.transfers(), buffer, true, 0, Long.BYTES, Pointer.to(object), 0, null, null));
            Status.of(() -> CL.clReleaseMemObject(buffer));
            helper.checkWaited(status, "taking over a handle");
            if (object.getNativePointer() != handle) {
                throw new IllegalStateException("this version of JOCL does not take over handles");
            }
            return object;
        });
    }

    static void checkQueue(cl_command_queue queue, cl_context context, FoundDevice device) {
        cl_context itsContext = new cl_context();
        cl_device_id itsDevice = new cl_device_id();
        long[] properties = new long[1];
        int status = Status.of(() ->
                CL.clGetCommandQueueInfo(queue, CL.CL_QUEUE_CONTEXT, Sizeof.POINTER, Pointer.to(itsContext), null));
        int second = Status.of(
                () -> CL.clGetCommandQueueInfo(queue, CL.CL_QUEUE_DEVICE, Sizeof.POINTER, Pointer.to(itsDevice), null));
        int third = Status.of(() ->
                CL.clGetCommandQueueInfo(queue, CL.CL_QUEUE_PROPERTIES, Sizeof.cl_ulong, Pointer.to(properties), null));
        boolean ok = status == Status.SUCCESS && second == Status.SUCCESS && third == Status.SUCCESS;
        if (!ok || !itsContext.equals(context) || !itsDevice.equals(device.id)) {
            throw new InvalidArgument(
                    "OpenCL queue",
                    "a queue of the context and device given",
                    "another",
                    "pass handles that belong together");
        }
        if ((properties[0] & CL.CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) != 0) {
            throw new InvalidArgument(
                    "OpenCL queue", "an in-order queue", "an out-of-order one", "make another for this");
        }
    }

    /** Size of a buffer, which has to be in the context. */
    static long checkMemory(cl_mem memory, cl_context context) {
        cl_context itsContext = new cl_context();
        long[] size = new long[1];
        int status = Status.of(
                () -> CL.clGetMemObjectInfo(memory, CL.CL_MEM_CONTEXT, Sizeof.POINTER, Pointer.to(itsContext), null));
        int second =
                Status.of(() -> CL.clGetMemObjectInfo(memory, CL.CL_MEM_SIZE, Sizeof.size_t, Pointer.to(size), null));
        if (status != Status.SUCCESS || second != Status.SUCCESS || !itsContext.equals(context)) {
            throw new InvalidArgument(
                    "OpenCL buffer",
                    "a cl_mem of this backend's context",
                    "another",
                    "open the backend on its context");
        }
        return size[0];
    }
}
