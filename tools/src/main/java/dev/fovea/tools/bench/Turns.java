package dev.fovea.tools.bench;

import dev.fovea.tools.bench.BenchFork.Entrant;
import dev.fovea.tools.bench.BenchFork.Roof;
import dev.fovea.tools.bench.ForkResult.Timing;
import java.io.IOException;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Entrants that take turns of some calls each, round after round, so that all meet the same clocks and neighbours. A ratio is the median
 * of the ratios of each round.
 */
final class Turns {
    /** Long enough that caches are a caller's own; a longer call is a turn by itself. */
    private static final long TURN_NANOS = 20_000_000;

    private static final int MOST_SAMPLES = 1000;

    /** Shorter calls are timed several at once, since reading the clock takes up to a microsecond. */
    private static final long SAMPLE_NANOS = 200_000;

    private static final ThreadMXBean CLOCK = ManagementFactory.getThreadMXBean();
    private static final int LEAST_ROUNDS = 5;
    private static final int MOST_WARM_UPS = 3;

    /** Idle threads of the libraries still spin that long for more work. */
    private static final long PAUSE_MILLIS = 5;

    private final List<Entrant> entrants;
    private final List<Roof> roofs;
    private final int threads;
    private final double seconds;
    private final Map<String, List<Double>> turnMillis = new HashMap<>();
    private final Map<String, List<Double>> limits = new HashMap<>();
    private final Map<String, Integer> callsTogether = new HashMap<>();
    private final Map<String, Double> leastMillis = new HashMap<>();
    private final long[] samples = new long[MOST_SAMPLES];
    private long calls;

    /** @param seconds of each entrant to warm up, and again to measure */
    Turns(List<Entrant> entrants, List<Roof> roofs, int threads, double seconds) {
        this.entrants = entrants;
        this.roofs = roofs;
        this.threads = threads;
        this.seconds = seconds;
    }

    void run() throws IOException {
        warmUp();
        turnMillis.clear();
        limits.clear();
        leastMillis.clear();
        calls = 0;
        rounds();
    }

    /** On a busy machine the compiler may take many times as long: until it has had nothing to do for a while. */
    private void warmUp() throws IOException {
        long compiled;
        int times = 0;
        do {
            compiled = compileMillis();
            rounds();
        } while (compileMillis() != compiled && ++times < MOST_WARM_UPS);
    }

    private static long compileMillis() {
        CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
        return compiler == null ? 0 : compiler.getTotalCompilationTime();
    }

    private void rounds() throws IOException {
        long end = System.nanoTime() + (long) (entrants.size() * seconds * 1e9);
        for (int i = 0; i < LEAST_ROUNDS || System.nanoTime() < end; i++) {
            for (Entrant e : entrants) {
                pause();
                turn(e);
            }
            for (Roof r : roofs) {
                pause();
                long start = now();
                double work = r.work().getAsDouble();
                limits.computeIfAbsent(r.name(), _ -> new ArrayList<>()).add(work * 1e9 / (now() - start));
            }
        }
    }

    private void turn(Entrant e) throws IOException {
        int n = 0;
        int together = Math.max(1, callsTogether.getOrDefault(e.name(), 1));
        long start = now();
        long now = start;
        while (n == 0 || now - start < TURN_NANOS && n < MOST_SAMPLES) {
            long before = now;
            for (int i = 0; i < together; i++) {
                e.call().run();
            }
            now = now();
            samples[n++] = (now - before) / together;
        }
        Arrays.sort(samples, 0, n);
        calls += e == entrants.getFirst() ? (long) n * together : 0;
        callsTogether.put(e.name(), (int) (SAMPLE_NANOS / Math.max(1, samples[n / 2])));
        turnMillis.computeIfAbsent(e.name(), _ -> new ArrayList<>()).add(samples[n / 2] / 1e6);
        leastMillis.merge(e.name(), samples[0] / 1e6, Math::min);
    }

    /** With one thread its processor time, which other processes stretch less; then all entrants work on the caller's thread. */
    private long now() {
        return threads == 1 ? CLOCK.getCurrentThreadCpuTime() : System.nanoTime();
    }

    private void pause() {
        if (threads > 1) {
            try {
                Thread.sleep(PAUSE_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** @param checkedShare of our results */
    ForkResult result(BenchCase bench, double openMillis, double firstMillis, double checkedShare) {
        List<Double> ours = turns(entrants.getFirst());
        List<Timing> timings = new ArrayList<>();
        for (Entrant e : entrants) {
            boolean own = e == entrants.getFirst();
            timings.add(new Timing(
                    e.name(),
                    e.version(),
                    BenchRun.median(turns(e)),
                    Objects.requireNonNull(leastMillis.get(e.name())),
                    own ? 1 : medianOf(turns(e), ours, (theirs, our) -> theirs / our),
                    own ? checkedShare : e.checkedShare()));
        }
        return new ForkResult(
                openMillis,
                firstMillis,
                timings,
                limit(ForkResult.PEAK),
                share(bench.flops(), ours, ForkResult.PEAK),
                limit(ForkResult.SUM),
                share(bench.bytes(), ours, ForkResult.SUM),
                calls);
    }

    /** The median of the shares of each round, like a ratio: a machine with neighbours has another limit in each. */
    private double share(double work, List<Double> ours, String name) {
        List<Double> limit = limits.getOrDefault(name, List.of());
        return limit.isEmpty() ? 0 : medianOf(limit, ours, (most, millis) -> work / millis * 1e3 / most);
    }

    /** The best of all rounds: a limit that was disturbed is none. */
    private double limit(String name) {
        return limits.getOrDefault(name, List.of()).stream()
                .mapToDouble(Double::doubleValue)
                .max()
                .orElse(0);
    }

    private interface Ratio {
        double of(double other, double ours);
    }

    private static double medianOf(List<Double> others, List<Double> ours, Ratio ratio) {
        List<Double> all = new ArrayList<>();
        for (int i = 0; i < ours.size(); i++) {
            all.add(ratio.of(others.get(i), ours.get(i)));
        }
        return BenchRun.median(all);
    }

    private List<Double> turns(Entrant e) {
        return turnMillis.getOrDefault(e.name(), Collections.emptyList());
    }
}
