package dev.fovea.opencl.runtime;

import java.util.function.Function;
import java.util.function.IntSupplier;
import org.jocl.CL;
import org.jocl.CLException;
import org.jspecify.annotations.Nullable;

/** OpenCL status codes. JOCL's exceptions are a switch for the whole JVM that others may have turned on, so both ways are met. */
final class Status {
    static final int SUCCESS = 0;
    static final int DEVICE_NOT_FOUND = -1;
    static final int MEM_OBJECT_ALLOCATION_FAILURE = -4;
    static final int OUT_OF_RESOURCES = -5;
    static final int OUT_OF_HOST_MEMORY = -6;
    static final int BUILD_PROGRAM_FAILURE = -11;
    static final int EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST = -14;
    static final int INVALID_DEVICE_TYPE = -31;
    static final int INVALID_CONTEXT = -34;
    static final int INVALID_COMMAND_QUEUE = -36;
    static final int INVALID_BUFFER_SIZE = -61;
    static final int PLATFORM_NOT_FOUND_KHR = -1001;
    /** What NVIDIA's driver answers to every call once a kernel has faulted. */
    static final int NVIDIA_ILLEGAL_ACCESS = -9999;

    private Status() {}

    static int of(IntSupplier call) {
        try {
            return call.getAsInt();
        } catch (CLException e) {
            return e.getStatus();
        }
    }

    /** The object that the call made, with its status; the object counts only if the status is 0. */
    static <T> Made<T> made(Function<int[], @Nullable T> call) {
        int[] status = new int[1];
        try {
            T object = call.apply(status);
            return new Made<>(object, status[0]);
        } catch (CLException e) {
            return new Made<>(null, e.getStatus());
        }
    }

    record Made<T>(@Nullable T object, int status) {}

    static boolean isOutOfMemory(int status) {
        return status == MEM_OBJECT_ALLOCATION_FAILURE
                || status == OUT_OF_RESOURCES
                || status == OUT_OF_HOST_MEMORY
                || status == INVALID_BUFFER_SIZE;
    }

    /** Whether the context is beyond use; {@code waited}: the status came from waiting for work, where it tells of the work. */
    static boolean isLoss(int status, boolean waited) {
        return status == NVIDIA_ILLEGAL_ACCESS
                || status == INVALID_COMMAND_QUEUE
                || status == INVALID_CONTEXT
                || waited && (status == OUT_OF_RESOURCES || status == EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST);
    }

    static String name(int status) {
        return status == NVIDIA_ILLEGAL_ACCESS ? "error -9999, a kernel faulted" : CL.stringFor_errorCode(status);
    }
}
