package dev.fovea.tools.bench;

import dev.fovea.tools.Environment;
import dev.fovea.tools.Json;
import dev.fovea.tools.bench.ForkResult.Timing;
import dev.fovea.tools.bench.Goal.Measure;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * A case with a number of threads, in several JVMs: medians over them.
 *
 * @param single the same with one thread, where that was measured
 */
record CpuResult(
        CpuCase testCase,
        int threads,
        List<ForkResult> forks,
        @Nullable CpuResult single) {
    private static final String ONNX = "ort";
    static final String CAUSAL = "fovea-causal";

    CpuResult {
        forks = List.copyOf(forks);
    }

    /** An entrant over all JVMs, with the least and the largest ratio. */
    record Entry(
            String name,
            String version,
            double medianMillis,
            double minMillis,
            double ratio,
            double leastRatio,
            double mostRatio,
            double checkedShare) {}

    List<Entry> entries() {
        List<Entry> all = new ArrayList<>();
        for (int i = 0; i < forks.getFirst().timings().size(); i++) {
            int at = i;
            List<Timing> t = forks.stream().map(f -> f.timings().get(at)).toList();
            all.add(new Entry(
                    t.getFirst().name(),
                    t.getFirst().version(),
                    median(t, Timing::medianMillis),
                    t.stream().mapToDouble(Timing::minMillis).min().orElseThrow(),
                    median(t, Timing::ratio),
                    t.stream().mapToDouble(Timing::ratio).min().orElseThrow(),
                    t.stream().mapToDouble(Timing::ratio).max().orElseThrow(),
                    t.stream().mapToDouble(Timing::checkedShare).max().orElseThrow()));
        }
        return all;
    }

    Entry ours() {
        return entries().getFirst();
    }

    List<Entry> peers() {
        return entries().stream().skip(1).filter(e -> !e.name().equals(CAUSAL)).toList();
    }

    double firstMillis() {
        return median(forks, ForkResult::firstMillis);
    }

    double peakShare() {
        return median(forks, ForkResult::peakShare);
    }

    double sumShare() {
        return median(forks, ForkResult::sumShare);
    }

    private static <T> double median(List<T> all, ToDoubleFunction<T> of) {
        return BenchRun.median(all.stream().map(of::applyAsDouble).toList());
    }

    /** GB/s of a decode step, else GFLOP/s, of a call that takes so long. */
    double rate(double millis) {
        return (testCase.decode() ? testCase.bench().bytes() : testCase.bench().flops()) / millis / 1e6;
    }

    String rateUnit() {
        return testCase.decode() ? "GB/s" : "GFLOP/s";
    }

    /** Goals that this run could decide, with what it reached. */
    record Reached(Goal goal, double value) {}

    List<Reached> goals() {
        List<Reached> all = new ArrayList<>();
        for (Goal g : testCase.goals()) {
            value(g.measure()).ifPresent(v -> all.add(new Reached(g, v)));
        }
        return all;
    }

    private OptionalDouble value(Measure measure) {
        if (measure == Measure.OVER_ONE_THREAD) {
            return threads == 2 && single != null
                    ? OptionalDouble.of(single.ours().medianMillis() / ours().medianMillis())
                    : OptionalDouble.empty();
        }
        if (threads != 1) {
            return OptionalDouble.empty();
        }
        return switch (measure) {
            case OVER_ONNX -> least(ONNX);
            case OVER_PEERS -> least("");
            case OF_PEAK -> OptionalDouble.of(peakShare());
            case OF_SUM -> OptionalDouble.of(sumShare());
            case OF_CAUSAL_SHARE -> causalShare();
            case WARM_MICROS -> OptionalDouble.of(1e3 * ours().medianMillis());
            case FIRST_SECONDS -> OptionalDouble.of(firstMillis() / 1e3);
            case OVER_ONE_THREAD -> throw new IllegalStateException("handled above");
        };
    }

    private OptionalDouble least(String prefix) {
        return peers().stream()
                .filter(e -> e.name().startsWith(prefix))
                .mapToDouble(Entry::ratio)
                .min();
    }

    private OptionalDouble causalShare() {
        Optional<Entry> causal =
                entries().stream().filter(e -> e.name().equals(CAUSAL)).findFirst();
        BenchShape s = testCase.bench().shape();
        double share =
                testCase.bench().flops() / new BenchCase(s, testCase.bench().dtype(), true, -1, -1).flops();
        return causal.isEmpty()
                ? OptionalDouble.empty()
                : OptionalDouble.of(1 / (causal.get().ratio() * share));
    }

    static String header() {
        return String.format(
                Locale.ROOT,
                "%-32s %7s %12s %16s %9s %12s  %s",
                "case (batch x heads x S x D)",
                "threads",
                "ms a call",
                "throughput",
                "of limit",
                "first call",
                "peer: time by fovea's");
    }

    String line() {
        StringBuilder peers = new StringBuilder();
        for (Entry e : peers()) {
            peers.append(String.format(Locale.ROOT, "%s %.2f  ", e.name(), e.ratio()));
        }
        double share = testCase.decode() && sumShare() > 0 ? sumShare() : peakShare();
        return String.format(
                        Locale.ROOT,
                        "%-32s %7d %12.4f %8.1f %-7s %7.0f %% %9.0f ms  %s",
                        testCase.name(),
                        threads,
                        ours().medianMillis(),
                        rate(ours().medianMillis()),
                        rateUnit(),
                        100 * share,
                        firstMillis(),
                        peers)
                .stripTrailing();
    }

    String json(Environment environment) {
        BenchCase bench = testCase.bench();
        return Json.line(j -> {
            j.field("suite", "cpu")
                    .field("case", testCase.name())
                    .field("shape", bench.shape().toString())
                    .field("options", bench.options())
                    .field("dtype", bench.type())
                    .field("vectorBytes", testCase.vectorBytes())
                    .field("threads", threads)
                    .field("forks", forks.size())
                    .field("flops", bench.flops())
                    .field("bytes", bench.bytes())
                    .field("plan", ours().version())
                    .field("clock", threads == 1 ? "processor time of the calling thread" : "wall clock")
                    .field("medianMs", ours().medianMillis())
                    .field("minMs", ours().minMillis())
                    .field("gflops", bench.flops() / ours().medianMillis() / 1e6)
                    .field("gbs", bench.bytes() / ours().medianMillis() / 1e6)
                    .field("openMs", median(forks, ForkResult::openMillis))
                    .field("firstCallMs", firstMillis())
                    .field("fmaPeakGflops", median(forks, ForkResult::peak) / 1e9)
                    .field("fmaPeakShare", peakShare())
                    .field("sumLoopGbs", median(forks, ForkResult::sum) / 1e9)
                    .field("sumLoopShare", sumShare())
                    .field("checkedRows", RowCheck.ROWS)
                    .field("checkedErrorShare", ours().checkedShare())
                    .objects(
                            "peers",
                            entries().subList(1, entries().size()),
                            (p, e) -> p.field("name", e.name())
                                    .field("version", e.version())
                                    .field("medianMs", e.medianMillis())
                                    .field("minMs", e.minMillis())
                                    .field("ratio", e.ratio())
                                    .field("leastRatio", e.leastRatio())
                                    .field("mostRatio", e.mostRatio())
                                    .field("checkedErrorShare", e.checkedShare()))
                    .objects(
                            "goals",
                            goals(),
                            (g, r) -> g.field("measure", r.goal().measure().text)
                                    .field("bound", r.goal().bound())
                                    .field("stretch", r.goal().stretch())
                                    .field("value", r.value())
                                    .field("met", r.goal().met(r.value())))
                    .object("environment", environment::write);
        });
    }

    boolean of(CpuCase c, int threadCount) {
        return Objects.equals(testCase, c) && threads == threadCount;
    }
}
