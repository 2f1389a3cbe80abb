package dev.fovea.opencl.runtime;

import dev.fovea.api.FoveaException.Closed;
import java.util.Arrays;
import java.util.List;
import org.jocl.CL;
import org.jocl.Pointer;
import org.jocl.Sizeof;
import org.jocl.cl_command_queue;
import org.jocl.cl_event;
import org.jocl.cl_kernel;
import org.jspecify.annotations.Nullable;

/** A kernel object. Arguments and launch go together under its lock, since the object holds the arguments. */
public final class Kernel implements AutoCloseable {
    private final DeviceContext context;
    private final cl_kernel handle;
    private final String name;
    private final Owned owner;
    private final ArgumentCall call = new ArgumentCall();
    private @Nullable KernelArgument[] set = {};

    Kernel(DeviceContext context, cl_kernel handle, String name) {
        this.context = context;
        this.handle = handle;
        this.name = name;
        this.owner = context.own(() -> Status.of(() -> CL.clReleaseKernel(handle)));
    }

    /** Largest work-group that the device runs this kernel with. */
    public long maxWorkGroup() {
        return context.use(() -> {
            long[] size = new long[1];
            int status = Status.of(() -> CL.clGetKernelWorkGroupInfo(
                    handle, context.device().id, CL.CL_KERNEL_WORK_GROUP_SIZE, Sizeof.size_t, Pointer.to(size), null));
            context.check(status, "asking for the work-group size of " + name, 0);
            return size[0];
        });
    }

    synchronized void enqueue(cl_command_queue queue, Launch launch, @Nullable cl_event event) {
        if (owner.isReleased()) {
            throw new Closed("plan");
        }
        List<KernelArgument> arguments = launch.arguments();
        if (set.length != arguments.size()) {
            set = new @Nullable KernelArgument[arguments.size()];
        }
        for (int i = 0; i < set.length; i++) {
            set(i, arguments.get(i));
        }
        long[] global = {launch.groups() * launch.workItems()};
        long[] local = {launch.workItems()};
        int status = Status.of(() -> CL.clEnqueueNDRangeKernel(queue, handle, 1, null, global, local, 0, null, event));
        if (status != Status.SUCCESS) {
            context.check(status, "launching " + name, launch.bytes());
        }
    }

    /** An argument is set only when it changed; a buffer is the same if its storage is, whatever its address. */
    private void set(int index, KernelArgument argument) {
        KernelArgument before = set[index];
        int status = switch (argument) {
            case KernelArgument.Memory m -> {
                m.storage().checkUsable(context);
                yield before instanceof KernelArgument.Memory b && b.storage() == m.storage()
                        ? Status.SUCCESS
                        : call.memory(handle, index, m.storage());
            }
            case KernelArgument.None _ ->
                before instanceof KernelArgument.None ? Status.SUCCESS : call.nothing(handle, index);
            case KernelArgument.Value v ->
                before instanceof KernelArgument.Value b && Arrays.equals(b.bytes(), v.bytes())
                        ? Status.SUCCESS
                        : call.bytes(handle, index, v.bytes());
        };
        if (status != Status.SUCCESS) {
            set[index] = null;
            context.check(status, "setting argument " + index + " of " + name, 0);
        }
        set[index] = argument;
    }

    @Override
    public synchronized void close() {
        owner.release();
    }
}
