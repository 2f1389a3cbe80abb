package dev.fovea.conformance;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.FoveaException.DeviceFailure;
import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.GatherSpec;
import dev.fovea.api.spec.MapSpec;
import dev.fovea.api.spec.MatMulSpec;
import dev.fovea.api.spec.MergeArguments;
import dev.fovea.api.spec.MergeSpec;
import dev.fovea.api.spec.Primitive;
import dev.fovea.api.spec.ReduceSpec;
import dev.fovea.api.spec.RotaryArguments;
import dev.fovea.api.spec.RotarySpec;
import dev.fovea.api.spec.SelectSpec;
import dev.fovea.api.spec.TransferArguments;
import dev.fovea.api.spec.TransferSpec;
import dev.fovea.api.spi.DeviceBackend;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.api.spi.Storage;
import dev.fovea.api.spi.Support;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** A device on the heap that runs each primitive as its javadoc says, in plain loops: compositions are tested on it without a backend. */
final class HostDevice implements DeviceBackend {
    private long bytes;
    private int countdown = -1;

    record HeapStorage(HostDevice device, MemorySegment memory) implements Storage {
        @Override
        public long byteSize() {
            return memory.byteSize();
        }

        @Override
        public void read(long byteOffset, MemorySegment target) {
            MemorySegment.copy(memory, byteOffset, target, 0, target.byteSize());
        }

        @Override
        public void write(long byteOffset, MemorySegment source) {
            MemorySegment.copy(source, 0, memory, byteOffset, source.byteSize());
        }

        @Override
        public void free() {
            device.bytes -= memory.byteSize();
        }
    }

    /** Makes the run after {@code runs} others fail. */
    void failAfter(int runs) {
        countdown = runs;
    }

    @Override
    public DeviceInfo info() {
        return new DeviceInfo(
                "host",
                DeviceInfo.Kind.CPU,
                "host",
                "test",
                "1",
                1L << 30,
                1L << 30,
                0,
                0,
                1,
                0,
                false,
                false,
                false,
                "none",
                0,
                List.of());
    }

    @Override
    public Support supports(Primitive<?> primitive) {
        return new Support.Yes();
    }

    @Override
    public DevicePlan prepare(Primitive<?> primitive) {
        return new DevicePlan() {
            @Override
            public void run(Arguments arguments, ExecutionStream stream) {
                if (countdown >= 0 && countdown-- == 0) {
                    throw new DeviceFailure("planted", null);
                }
                switch (primitive) {
                    case TransferSpec spec -> HostTransfer.run(spec, (TransferArguments) arguments);
                    case MergeSpec spec -> HostMath.run(spec, (MergeArguments) arguments);
                    case RotarySpec spec -> HostMath.run(spec, (RotaryArguments) arguments);
                    case AttentionSpec spec -> HostMath.run(spec, (AttentionArguments) arguments);
                    case MatMulSpec _, MapSpec _, ReduceSpec _, GatherSpec _, SelectSpec _ ->
                        HostOperations.run(primitive, arguments);
                }
            }

            @Override
            public String describe() {
                return "plain loops";
            }

            @Override
            public void close() {}
        };
    }

    /** Filled with a pattern that is NaN in every floating-point type: what is used without being written shows. */
    @Override
    public Storage allocate(long size) {
        bytes += size;
        return new HeapStorage(
                this, MemorySegment.ofArray(new byte[Math.toIntExact(size)]).fill((byte) 0xff));
    }

    @Override
    public Storage wrap(MemorySegment segment) {
        throw new Unsupported("the host test device does not wrap", "copy");
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
        return bytes;
    }

    @Override
    public void close() {}
}
