package dev.fovea.api;

import dev.fovea.api.FoveaException.OutOfDeviceMemory;
import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.Primitive;
import dev.fovea.api.spi.DeviceBackend;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.api.spi.Storage;
import dev.fovea.api.spi.Support;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A device that keeps bytes on the heap and computes nothing: what is tested is the library around it. */
final class HeapDevice implements DeviceBackend {
    private final String id;
    int runs;
    int freed;
    int prepared;
    boolean failing;

    @Nullable
    Primitive<?> lastSpec;

    @Nullable
    Arguments lastArguments;

    Support support = new Support.Yes();

    HeapDevice(String id) {
        this.id = id;
    }

    static DeviceInfo info(String id, DeviceInfo.Kind kind) {
        return new DeviceInfo(
                id,
                kind,
                id,
                "test",
                "1",
                1 << 20,
                1 << 20,
                0,
                0,
                1,
                0,
                false,
                false,
                false,
                "none",
                kind.rank(),
                List.of());
    }

    @Override
    public DeviceInfo info() {
        return info(id, DeviceInfo.Kind.CPU);
    }

    @Override
    public Support supports(Primitive<?> primitive) {
        return support;
    }

    @Override
    public DevicePlan prepare(Primitive<?> primitive) {
        prepared++;
        return new DevicePlan() {
            @Override
            public void run(Arguments arguments, ExecutionStream stream) {
                runs++;
                if (failing) {
                    throw new IllegalStateException("planted");
                }
                lastSpec = primitive;
                lastArguments = arguments;
            }

            @Override
            public String describe() {
                return "nothing";
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public Storage allocate(long bytes) {
        if (bytes > 1 << 20) {
            throw new OutOfDeviceMemory(id, bytes, 1 << 20, "use less");
        }
        byte[] data = new byte[(int) bytes];
        return new Storage() {
            @Override
            public long byteSize() {
                return data.length;
            }

            @Override
            public void read(long byteOffset, MemorySegment target) {
                MemorySegment.copy(MemorySegment.ofArray(data), byteOffset, target, 0, target.byteSize());
            }

            @Override
            public void write(long byteOffset, MemorySegment source) {
                MemorySegment.copy(source, 0, MemorySegment.ofArray(data), byteOffset, source.byteSize());
            }

            @Override
            public void free() {
                freed++;
            }
        };
    }

    @Override
    public Storage wrap(MemorySegment segment) {
        throw new Unsupported(id + " cannot wrap", "copy");
    }

    @Override
    public ExecutionStream newStream() {
        return new ExecutionStream() {
            @Override
            public void await() {}

            @Override
            public void close() {}
        };
    }

    @Override
    public long allocatedBytes() {
        return 0;
    }

    @Override
    public void close() {}
}
