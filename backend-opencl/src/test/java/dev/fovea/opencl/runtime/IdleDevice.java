package dev.fovea.opencl.runtime;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.Primitive;
import dev.fovea.api.spi.DeviceBackend;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.api.spi.Storage;
import dev.fovea.api.spi.Support;
import java.lang.foreign.MemorySegment;

/** A device that does nothing: what is left of a call's time is spent in front of devices. */
record IdleDevice(DeviceInfo info) implements DeviceBackend, ExecutionStream, DevicePlan {
    private record Nothing(long byteSize) implements Storage {
        @Override
        public void read(long byteOffset, MemorySegment target) {}

        @Override
        public void write(long byteOffset, MemorySegment source) {}

        @Override
        public void free() {}
    }

    @Override
    public Support supports(Primitive<?> primitive) {
        return new Support.Yes();
    }

    @Override
    public DevicePlan prepare(Primitive<?> primitive) {
        return this;
    }

    @Override
    public Storage allocate(long bytes) {
        return new Nothing(bytes);
    }

    @Override
    public Storage wrap(MemorySegment segment) {
        return new Nothing(segment.byteSize());
    }

    @Override
    public ExecutionStream newStream() {
        return this;
    }

    @Override
    public long allocatedBytes() {
        return 0;
    }

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {}

    @Override
    public String describe() {
        return "nothing";
    }

    @Override
    public void await() {}

    @Override
    public void close() {}
}
