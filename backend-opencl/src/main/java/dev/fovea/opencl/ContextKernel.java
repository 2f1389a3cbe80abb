package dev.fovea.opencl;

import dev.fovea.api.FoveaException.Closed;
import dev.fovea.kernels.KernelSource;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.Kernel;
import org.jspecify.annotations.Nullable;

/** A kernel of a plan, built anew when a lost device got another context. */
final class ContextKernel implements AutoCloseable {
    private final KernelSource source;
    private @Nullable DeviceContext context;
    private @Nullable Kernel kernel;
    private boolean closed;

    ContextKernel(KernelSource source) {
        this.source = source;
    }

    KernelSource source() {
        return source;
    }

    synchronized Kernel in(DeviceContext wanted) {
        if (closed) {
            throw new Closed("plan");
        }
        Kernel k = kernel;
        if (k == null || context != wanted) {
            if (k != null) {
                k.close();
            }
            kernel = null; // building may fail
            k = wanted.programs().kernel(source);
            kernel = k;
            context = wanted;
        }
        return k;
    }

    @Override
    public synchronized void close() {
        closed = true;
        if (kernel != null) {
            kernel.close();
            kernel = null;
        }
    }
}
