package dev.fovea.opencl;

import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.kernels.Kernels;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceStorage;
import dev.fovea.opencl.runtime.DeviceStream;
import dev.fovea.opencl.runtime.KernelArgument.Memory;
import dev.fovea.opencl.runtime.Launch;
import dev.fovea.opencl.runtime.MatrixEngine;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Which engines of a device can be trusted. */
final class EngineSelfTests {
    private EngineSelfTests() {}

    private static MatrixEngine.SelfTest of(MatrixEngine engine) {
        return switch (engine) {
            case WGMMA -> new HopperSelfTest();
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

    /** Environment variable that names the best engine to use, for comparisons: wgmma, mma.sync or fma. */
    private static final String WANTED = "FOVEA_ENGINE";

    /** Whether kernels of an engine can run in a context; tries it at the first call. Not to be asked inside a use of the context. */
    static MatrixEngine.Verdict verdict(MatrixEngine engine, DeviceContext context) {
        String wanted = System.getenv(WANTED);
        if (wanted != null && !wanted.equals(engine.label()) && isBelow(wanted, engine)) {
            return new MatrixEngine.Verdict(Optional.of(WANTED + " asks for " + wanted));
        }
        return context.engine(engine, of(engine));
    }

    /** Whether the engine asked for is a slower one. */
    static boolean isBelow(String wanted, MatrixEngine engine) {
        List<MatrixEngine> asked = Arrays.stream(MatrixEngine.values())
                .filter(e -> e.label().equals(wanted))
                .toList();
        if (asked.isEmpty() && !wanted.equals("fma")) {
            throw new InvalidArgument(WANTED, "wgmma, mma.sync or fma", wanted, "name one of these, or unset it");
        }
        return asked.stream().allMatch(e -> e.compareTo(engine) > 0);
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
