package dev.fovea.opencl;

import dev.fovea.api.DType;
import dev.fovea.kernels.Kernels;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceStorage;
import dev.fovea.opencl.runtime.DeviceStream;
import dev.fovea.opencl.runtime.KernelArgument.Memory;
import dev.fovea.opencl.runtime.Launch;
import dev.fovea.opencl.runtime.MatrixEngine;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Which engines of a device can be trusted. */
final class EngineSelfTests {
    private EngineSelfTests() {}

    private static MatrixEngine.SelfTest of(MatrixEngine engine) {
        return switch (engine) {
            case WGMMA -> _ -> Optional.of("no kernel uses it yet");
            case MMA_SYNC -> EngineSelfTests::mma;
        };
    }

    private static Optional<String> mma(DeviceContext context) {
        for (DType type : List.of(DType.BF16, DType.F16)) {
            try (ContextKernel kernel = new ContextKernel(Kernels.mmaTest(type));
                    DeviceStream stream = new DeviceStream()) {
                DeviceStorage rows = context.allocate(Kernels.MMA_TEST_BYTES);
                DeviceStorage wrong = context.allocate(Integer.BYTES);
                try {
                    stream.run(
                            context,
                            List.of(new Launch(
                                    kernel.in(context),
                                    List.of(new Memory(rows), new Memory(wrong)),
                                    1,
                                    Kernels.MMA_TEST_THREADS)));
                    int[] count = {-1};
                    wrong.read(0, MemorySegment.ofArray(count));
                    if (count[0] != 0) {
                        return Optional.of(count[0] + " numbers of its self-test are wrong in " + type);
                    }
                } finally {
                    rows.free();
                    wrong.free();
                }
            }
        }
        return Optional.empty();
    }

    /** Whether kernels of an engine can run in a context; tries it at the first call. Not to be asked inside a use of the context. */
    static MatrixEngine.Verdict verdict(MatrixEngine engine, DeviceContext context) {
        return context.engine(engine, of(engine));
    }

    /** What the kernels of a context use, and why nothing faster, for people. */
    static String report(DeviceContext context) {
        List<String> refused = new ArrayList<>();
        for (MatrixEngine engine : MatrixEngine.values()) {
            if (engine.isOn(context.device())) {
                Optional<String> refusal = verdict(engine, context).refusal();
                if (refusal.isEmpty()) {
                    return text(engine.label(), "self-test passed", refused);
                }
                refused.add(engine.label() + " refused: " + refusal.get());
            }
        }
        return text("FMA", "", refused);
    }

    private static String text(String used, String proof, List<String> refused) {
        List<String> remarks = new ArrayList<>(refused);
        if (!proof.isEmpty()) {
            remarks.addFirst(proof);
        }
        return remarks.isEmpty() ? used : used + " (" + String.join("; ", remarks) + ")";
    }
}
