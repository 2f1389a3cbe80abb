package dev.fovea.opencl;

import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceStream;

/** Attention by the kernels of a matrix engine, for the runs that suit it. */
interface EnginePath extends AutoCloseable {
    /** Builds the kernel of the usual case; false if none can be used, so that every run goes another way. */
    boolean prepare(DeviceContext context);

    /** Enqueues a run; false, and nothing done, if it has to go another way. */
    boolean run(AttentionArguments a, DeviceContext context, DeviceStream stream);

    /** What runs, half a sentence. */
    String describe();

    /** The whole source of the kernel of the usual case. */
    String source();

    @Override
    void close();
}
