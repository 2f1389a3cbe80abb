package dev.fovea.tools.agreement;

import dev.fovea.api.Backend;
import dev.fovea.conformance.Agreement;
import dev.fovea.conformance.CaseResult.Status;
import dev.fovea.conformance.Expected;
import dev.fovea.conformance.Laws;
import dev.fovea.conformance.Suites;
import dev.fovea.tools.FailureText;
import dev.fovea.tools.Progress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** Runs cases and laws on several devices; what a case must give is computed once, ahead of the devices, on all processors. */
final class AgreementRun {
    private final List<Backend> backends;
    private final Progress progress;
    private int failed;

    AgreementRun(List<Backend> backends, Progress progress) {
        this.backends = List.copyOf(backends);
        this.progress = progress;
    }

    void run(List<Suites.Entry> entries, List<Laws.Law> laws, Consumer<Verdict> sink) {
        int total = entries.size() + laws.size();
        int done = 0;
        int processors = Runtime.getRuntime().availableProcessors();
        List<Agreement> agreements = backends.stream().map(Agreement::new).toList();
        try (ExecutorService pool = Executors.newFixedThreadPool(
                processors, Thread.ofPlatform().daemon().name("expected").factory())) {
            Deque<Future<Expected>> ahead = new ArrayDeque<>();
            Iterator<Suites.Entry> next = entries.iterator();
            for (Suites.Entry entry : entries) {
                while (next.hasNext() && ahead.size() < 2 * processors) {
                    Suites.Entry e = next.next();
                    ahead.add(pool.submit(() -> Expected.of(e.testCase())));
                }
                step(done++, total);
                Expected expected = result(ahead.remove());
                for (Agreement a : agreements) {
                    give(Verdict.of(a.run(entry.group(), expected)), sink);
                }
            }
        } finally {
            agreements.forEach(Agreement::close);
        }
        for (Laws.Law law : laws) {
            step(done++, total);
            for (Backend b : backends) {
                give(Verdict.of(law, b.info().id(), violation(law, b)), sink);
            }
        }
    }

    private void give(Verdict verdict, Consumer<Verdict> sink) {
        failed += verdict.status() == Status.FAIL ? 1 : 0;
        sink.accept(verdict);
    }

    private void step(int done, int total) {
        progress.step(failed == 0 ? "cases" : "cases, " + failed + " failed", done, total);
    }

    private static String violation(Laws.Law law, Backend backend) {
        try {
            return law.violation(backend);
        } catch (RuntimeException e) {
            return "threw: " + FailureText.of(e).sentence();
        }
    }

    private static Expected result(Future<Expected> future) {
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("the reference failed: " + e.getCause(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    /** Entries and laws whose group or text holds the text, in any case of letters. */
    static List<Suites.Entry> filtered(List<Suites.Entry> entries, String text) {
        return entries.stream()
                .filter(e -> holds(e.group(), text) || holds(e.testCase().toString(), text))
                .toList();
    }

    static List<Laws.Law> filteredLaws(List<Laws.Law> laws, String text) {
        List<Laws.Law> kept = new ArrayList<>();
        for (Laws.Law law : laws) {
            if (holds(law.group(), text) || holds(law.name(), text)) {
                kept.add(law);
            }
        }
        return kept;
    }

    /** The one at this place, counted from one, and each n-th after it. */
    static <T> List<T> every(int n, int from, List<T> all) {
        return IntStream.range(from - 1, all.size())
                .filter(i -> (i - (from - 1)) % n == 0)
                .mapToObj(all::get)
                .toList();
    }

    private static boolean holds(String where, String what) {
        return where.toLowerCase(Locale.ROOT).contains(what.toLowerCase(Locale.ROOT));
    }
}
