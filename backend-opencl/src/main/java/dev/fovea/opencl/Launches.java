package dev.fovea.opencl;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.api.Tensor;
import dev.fovea.opencl.runtime.DeviceStorage;
import dev.fovea.opencl.runtime.DeviceStream;
import dev.fovea.opencl.runtime.KernelArgument.Memory;
import org.jspecify.annotations.Nullable;

/** From what the SPI hands over to what this backend launches. */
final class Launches {
    private static final long MOST_GROUPS = Integer.MAX_VALUE;

    private Launches() {}

    static DeviceStream stream(ExecutionStream stream) {
        if (stream instanceof DeviceStream s) {
            return s;
        }
        throw new Unsupported("the stream belongs to another backend", "make it by this backend's newStream");
    }

    /** The memory of a tensor, or of another one where the kernel will not look. */
    static Memory memory(@Nullable Tensor tensor, Tensor other) {
        return memory(tensor == null ? other : tensor);
    }

    static Memory memory(Tensor t) {
        if (t.storage() instanceof DeviceStorage s) {
            return new Memory(s);
        }
        throw new Unsupported("a tensor of another backend", "copy it over by copyOf");
    }

    static long groups(long groups) {
        if (groups > MOST_GROUPS) {
            throw new Unsupported(
                    "a launch of " + groups + " work-groups is more than drivers take",
                    "split the batch, the heads or the rows");
        }
        return groups;
    }
}
