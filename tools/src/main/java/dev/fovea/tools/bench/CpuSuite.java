package dev.fovea.tools.bench;

import dev.fovea.api.DType;
import dev.fovea.tools.bench.Goal.Measure;
import java.util.ArrayList;
import java.util.List;

/** The cases of {@code fovea bench --suite cpu}, f32, and what they should reach. */
final class CpuSuite {
    private static final Goal TWO_THREADS = new Goal(Measure.OVER_ONE_THREAD, 1.85);

    private CpuSuite() {}

    static List<CpuCase> cases() {
        return List.of(
                prefill(
                        "1x8x2048x128",
                        false,
                        new Goal(Measure.OVER_ONNX, 1.05, 1.10),
                        new Goal(Measure.OF_PEAK, 0.82)),
                prefill("1x8x1024x64", false, new Goal(Measure.OVER_ONNX, 1.05, 1.10)),
                prefill("1x8x4096x64", true, new Goal(Measure.OVER_PEERS, 2.3, 2.5)),
                prefill("4x12x256x32", false, new Goal(Measure.OVER_ONNX, 1.2)),
                new CpuCase(
                        bench("1x32x1/16384x128", false, -1),
                        0,
                        true,
                        false,
                        List.of(new Goal(Measure.OF_SUM, 0.75, 0.85), new Goal(Measure.OVER_ONNX, 1.5))),
                new CpuCase(
                        bench("1x8x8192x64", true, 1023),
                        0,
                        false,
                        true,
                        List.of(new Goal(Measure.OF_CAUSAL_SHARE, 1.3))),
                single("1x8x16x64", 0, new Goal(Measure.WARM_MICROS, 20)),
                single("1x8x256x64", 0, new Goal(Measure.FIRST_SECONDS, 0.35)),
                single("1x8x2048x128", 32, new Goal(Measure.OF_PEAK, 0.70)),
                single("1x8x2048x128", 16, new Goal(Measure.OF_PEAK, 0.70)));
    }

    static CpuCase named(String name) {
        return cases().stream().filter(c -> c.name().equals(name)).findFirst().orElseThrow();
    }

    private static CpuCase prefill(String shape, boolean causal, Goal... goals) {
        List<Goal> all = new ArrayList<>(List.of(goals));
        all.add(TWO_THREADS);
        return new CpuCase(bench(shape, causal, -1), 0, true, false, List.copyOf(all));
    }

    private static CpuCase single(String shape, int vectorBytes, Goal goal) {
        return new CpuCase(bench(shape, false, -1), vectorBytes, false, false, List.of(goal));
    }

    private static BenchCase bench(String shape, boolean causal, int left) {
        return new BenchCase(BenchShape.parse(shape), DType.F32, causal, left, -1);
    }
}
