package dev.fovea.tools.bench;

import dev.fovea.tools.Console;
import dev.fovea.tools.FailureText;
import dev.fovea.tools.Progress;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Runs the CPU suite, each case in JVMs of its own.
 *
 * @param part of the name of a case; all others are left out
 * @param threads numbers of threads; a case that has no use for more than one runs with one
 * @param forks JVMs for each case and number of threads
 * @param seconds of each entrant to warm up, and again to measure
 */
record CpuBench(String part, List<Integer> threads, int forks, double seconds, boolean peers) {
    CpuBench {
        threads = List.copyOf(threads);
    }

    /** Numbers of threads that are measured if none are named: as many of these as there are processors. */
    static List<Integer> usualThreads() {
        int processors = Runtime.getRuntime().availableProcessors();
        return List.of(1, 2, 16).stream().filter(n -> n == 1 || n <= processors).toList();
    }

    static boolean havePeers() {
        return ServiceLoader.load(Peer.class).iterator().hasNext();
    }

    private record Part(CpuCase testCase, int threads) {}

    /** Of the cases that are not left out. */
    List<String> names() {
        return CpuSuite.cases().stream()
                .map(CpuCase::name)
                .filter(n -> n.contains(part))
                .toList();
    }

    /** Hands each result over as soon as it is there; the number of cases that failed. */
    int run(Console console, Consumer<CpuResult> results) {
        List<Part> parts = parts();
        List<CpuResult> done = new ArrayList<>();
        int failed = 0;
        for (int i = 0; i < parts.size(); i++) {
            Part p = parts.get(i);
            try {
                CpuResult result =
                        new CpuResult(p.testCase(), p.threads(), forks(p, i, parts.size(), console), single(done, p));
                done.add(result);
                results.accept(result);
            } catch (IOException | RuntimeException e) {
                failed++;
                console.note("fovea bench: " + p.testCase().name() + ", " + p.threads() + " threads: "
                        + (e instanceof IOException
                                ? e.getMessage()
                                : FailureText.of(e).sentence()));
            }
        }
        return failed;
    }

    private List<Part> parts() {
        List<Part> all = new ArrayList<>();
        for (CpuCase c : CpuSuite.cases()) {
            for (int n : threads) {
                if (c.name().contains(part) && (n == 1 || c.manyThreads())) {
                    all.add(new Part(c, n));
                }
            }
        }
        return all;
    }

    private List<ForkResult> forks(Part p, int done, int total, Console console) throws IOException {
        List<ForkResult> all = new ArrayList<>();
        try (Progress progress = console.progress()) {
            for (int i = 0; i < forks; i++) {
                progress.step(
                        p.testCase().name() + ", " + p.threads() + (p.threads() == 1 ? " thread" : " threads"),
                        (long) done * forks + i,
                        (long) total * forks);
                all.add(ForkStart.run(
                        p.testCase(),
                        p.threads(),
                        seconds,
                        peers && p.testCase().peers()));
            }
        }
        return all;
    }

    private static @Nullable CpuResult single(List<CpuResult> done, Part p) {
        return done.stream().filter(r -> r.of(p.testCase(), 1)).findFirst().orElse(null);
    }
}
