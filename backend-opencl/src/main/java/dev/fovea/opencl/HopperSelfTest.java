package dev.fovea.opencl;

import dev.fovea.api.DType;
import dev.fovea.kernels.HopperCheck;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceStorage;
import dev.fovea.opencl.runtime.DeviceStream;
import dev.fovea.opencl.runtime.Kernel;
import dev.fovea.opencl.runtime.KernelArgument;
import dev.fovea.opencl.runtime.KernelArgument.Memory;
import dev.fovea.opencl.runtime.KernelArgument.Value;
import dev.fovea.opencl.runtime.Launch;
import dev.fovea.opencl.runtime.MatrixEngine;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Tries bulk tensor copies and warpgroup products on a problem whose result is exact. */
final class HopperSelfTest implements MatrixEngine.SelfTest {
    private final HopperCheck check;

    /** With products of one 16-bit type. */
    HopperSelfTest(DType type) {
        this.check = new HopperCheck(type);
    }

    @Override
    public Optional<String> refusal(DeviceContext context) {
        short[] output = check.output();
        List<DeviceStorage> buffers = new ArrayList<>();
        try (Kernel kernel = context.programs().kernel(check.source());
                DeviceStream stream = new DeviceStream()) {
            List<KernelArgument> list = new ArrayList<>();
            for (short[] tensor : List.of(check.query(), check.key(), check.value(), check.output())) {
                DeviceStorage s = context.allocate(2L * tensor.length);
                buffers.add(s);
                s.write(0, MemorySegment.ofArray(tensor));
                list.add(new Memory(s));
            }
            DeviceStorage maps = context.allocate(HopperCheck.MAP_BYTES);
            buffers.add(maps);
            list.add(new Memory(maps));
            list.add(new Value(check.block()));
            stream.run(context, List.of(new Launch(kernel, list, 1, HopperCheck.THREADS)));
            stream.await();
            buffers.get(3).read(0, MemorySegment.ofArray(output));
        } finally {
            buffers.forEach(DeviceStorage::free);
        }
        return check.refusal(output);
    }
}
