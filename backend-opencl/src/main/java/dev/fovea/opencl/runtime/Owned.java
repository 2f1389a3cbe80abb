package dev.fovea.opencl.runtime;

import java.util.concurrent.atomic.AtomicBoolean;

/** One OpenCL object, released once whoever asks first: a second release would end the JVM. */
final class Owned {
    private final AtomicBoolean released = new AtomicBoolean();
    private final DeviceContext context;
    private final Runnable release;

    Owned(DeviceContext context, Runnable release) {
        this.context = context;
        this.release = release;
    }

    boolean isReleased() {
        return released.get();
    }

    void release() {
        if (released.compareAndSet(false, true)) {
            context.forget(this);
            release.run();
        }
    }
}
