package dev.fovea.opencl;

import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.kernels.KernelSource;
import dev.fovea.kernels.Kernels;
import dev.fovea.kernels.TileEngine;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceStorage;
import dev.fovea.opencl.runtime.DeviceStream;
import dev.fovea.opencl.runtime.KernelArgument;
import dev.fovea.opencl.runtime.KernelArgument.Memory;
import dev.fovea.opencl.runtime.Launch;
import dev.fovea.opencl.runtime.MatrixEngine;
import dev.fovea.opencl.runtime.MatrixEngine.Verdict;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Which engines of a device can be trusted. */
final class EngineSelfTests {
    private EngineSelfTests() {}

    private static MatrixEngine.SelfTest of(MatrixEngine engine) {
        return switch (engine) {
            case WGMMA -> new HopperSelfTest(DType.BF16);
            case MMA_SYNC -> context -> mma(context, DType.BF16).or(() -> mma(context, DType.F16));
            case MFMA, WMMA, DPAS8, DPAS16 -> throw new IllegalArgumentException(engine + " is tried type by type");
        };
    }

    private static Optional<String> mma(DeviceContext context, DType type) {
        return wrong(context, Kernels.mmaTest(type), Kernels.MMA_TEST_BYTES, Kernels.MMA_TEST_THREADS);
    }

    /** The self-test of an engine for tile_attention.cl, or of its emulation. */
    static Optional<String> tile(DeviceContext context, TileEngine engine, boolean emulated, DType type) {
        return wrong(
                context,
                Kernels.tileTest(engine, emulated, type),
                Kernels.TILE_TEST_BYTES,
                Kernels.TILE_TEST_SUB_GROUPS * engine.lanes());
    }

    /** What a kernel finds wrong that takes memory for operands and an int for the number of errors, and is one work-group. */
    static Optional<String> wrong(DeviceContext context, KernelSource test, int bytes, int workItems) {
        try (ContextKernel kernel = new ContextKernel(test);
                DeviceStream stream = new DeviceStream()) {
            DeviceStorage operands = context.allocate(bytes);
            DeviceStorage wrong = context.allocate(Integer.BYTES);
            try {
                List<KernelArgument> arguments = List.of(new Memory(operands), new Memory(wrong));
                stream.run(context, List.of(new Launch(kernel.in(context), arguments, 1, workItems)));
                int[] count = {-1};
                wrong.read(0, MemorySegment.ofArray(count));
                return count[0] == 0
                        ? Optional.empty()
                        : Optional.of(count[0] + " numbers of " + test.entry() + ".cl are wrong");
            } finally {
                operands.free();
                wrong.free();
            }
        }
    }

    /** Environment variable that names the best engine to use, for comparisons: a label of MatrixEngine, fma, or an emulation. */
    private static final String WANTED = "FOVEA_ENGINE";

    private static final String EMULATED = "emulated-";
    private static final String FMA = "fma";

    /** Whether kernels of an engine can run in a context; tries it at the first call. Not to be asked inside a use of the context. */
    static Verdict verdict(MatrixEngine engine, DeviceContext context) {
        return ruledOut(engine).orElseGet(() -> context.engine(engine, of(engine)));
    }

    /** The same for one type of operands: of the engines that tile_attention.cl is for, and of wgmma f16 with subnormal numbers. */
    static Verdict verdict(MatrixEngine engine, DType type, DeviceContext context) {
        MatrixEngine.SelfTest test = engine == MatrixEngine.WGMMA
                ? new HopperSelfTest(type)
                : c -> tile(c, engine.tiles().orElseThrow(), false, type);
        return ruledOut(engine).orElseGet(() -> context.engine(engine, type, test));
    }

    private static Optional<Verdict> ruledOut(MatrixEngine engine) {
        String wanted = System.getenv(WANTED);
        return wanted != null && !wanted.equals(engine.label()) && isBelow(wanted, engine)
                ? Optional.of(new Verdict(Optional.of(WANTED + " asks for " + wanted)))
                : Optional.empty();
    }

    /** Whether somebody wants this engine and none faster. */
    static boolean asksFor(MatrixEngine engine) {
        return engine.label().equals(System.getenv(WANTED));
    }

    /** The engine to emulate in plain code, for tests where there is none. */
    static Optional<TileEngine> emulated() {
        return emulated(System.getenv(WANTED));
    }

    static Optional<TileEngine> emulated(@Nullable String wanted) {
        return Arrays.stream(MatrixEngine.values())
                .filter(e -> (EMULATED + e.label()).equals(wanted))
                .findFirst()
                .flatMap(MatrixEngine::tiles);
    }

    /** Whether the engine asked for is a slower one. */
    static boolean isBelow(String wanted, MatrixEngine engine) {
        List<MatrixEngine> asked = Arrays.stream(MatrixEngine.values())
                .filter(e -> e.label().equals(wanted))
                .toList();
        if (asked.isEmpty() && !wanted.equals(FMA) && emulated(wanted).isEmpty()) {
            throw new InvalidArgument(WANTED, names(), wanted, "name one of these, or unset it");
        }
        return asked.stream().allMatch(e -> e.compareTo(engine) > 0);
    }

    private static String names() {
        Stream<String> real = Arrays.stream(MatrixEngine.values()).map(MatrixEngine::label);
        Stream<String> emulated = Arrays.stream(MatrixEngine.values())
                .filter(e -> e.tiles().isPresent())
                .map(e -> EMULATED + e.label());
        return Stream.of(real, Stream.of(FMA), emulated).flatMap(s -> s).collect(Collectors.joining(", "));
    }

    /** What the kernels of a context use, and why nothing faster, for people. */
    static String report(DeviceContext context) {
        Optional<TileEngine> emulated = emulated();
        if (emulated.isPresent()) {
            return text(emulated.get() + " emulated", WANTED + " asks for it", List.of());
        }
        List<String> refused = new ArrayList<>();
        for (MatrixEngine engine : MatrixEngine.values()) {
            if (engine.isOn(context.device())) {
                List<String> passed = new ArrayList<>();
                for (Optional<DType> type : tried(engine)) {
                    String use = engine.label() + type.map(t -> " in " + t).orElse("");
                    verdict(engine, type, context)
                            .refusal()
                            .ifPresentOrElse(r -> refused.add(use + " refused: " + r), () -> passed.add(use));
                }
                if (!passed.isEmpty()) {
                    String proof = "self-test passed" + (engine.hasRun() ? "" : "; " + MatrixEngine.NEVER_RUN);
                    return text(passed.size() == 1 ? passed.getFirst() : engine.label(), proof, refused);
                }
            }
        }
        return text("FMA", "", refused);
    }

    private static List<Optional<DType>> tried(MatrixEngine engine) {
        if (engine == MatrixEngine.WGMMA) {
            return List.of(Optional.empty(), Optional.of(DType.F16));
        }
        return engine.tiles().isEmpty()
                ? List.of(Optional.empty())
                : List.of(Optional.of(DType.BF16), Optional.of(DType.F16));
    }

    private static Verdict verdict(MatrixEngine engine, Optional<DType> type, DeviceContext context) {
        return type.map(t -> verdict(engine, t, context)).orElseGet(() -> verdict(engine, context));
    }

    private static String text(String used, String proof, List<String> refused) {
        List<String> remarks = new ArrayList<>(refused);
        if (!proof.isEmpty()) {
            remarks.addFirst(proof);
        }
        return remarks.isEmpty() ? used : used + " (" + String.join("; ", remarks) + ")";
    }
}
