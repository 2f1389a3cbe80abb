package dev.fovea.tools.tuning;

import dev.fovea.api.FoveaException;
import dev.fovea.api.FoveaException.DeviceLost;
import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.api.spi.Tunable;
import dev.fovea.api.spi.TuningPoint;
import dev.fovea.tools.Console;
import dev.fovea.tools.FailureText;
import dev.fovea.tools.Progress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Looks for the fastest point of a group. Points are built, checked against float64, and timed in rounds in which each takes its turn with the
 * one in force, so that all meet the same clocks; the slow ones drop out. The best then meets the one in force alone.
 */
final class Search implements AutoCloseable {
    /** Less than this is noise. */
    private static final double CLEARLY = 1.01;

    /** Points that fall behind the best by more than this drop out. */
    private static final double BEHIND = 0.97;

    private static final int LEAST_ROUNDS = 3;
    private static final int MOST_ROUNDS = 9;
    private static final int LAST_ROUNDS = 9;

    /** Points that are built while another is checked. */
    private static final int AHEAD = 2;

    /** Parts of the time after which building ends, and the rounds of all; the last two have the rest. */
    private static final double BUILD_PART = 0.6;

    private static final double ROUNDS_PART = 0.9;

    private final Tunable device;
    private final Group group;
    private final Console console;
    private final Progress progress;
    private final String title;
    private final boolean verbose;
    private final Watch watch;
    private final long start = System.nanoTime();
    private final double seconds;
    private final Map<TuningPoint, String> refused;
    private final List<Candidate> alive = new ArrayList<>();
    private int tried;
    private int unbuilt;
    private int wrong;

    /**
     * A search.
     *
     * @param seconds that it may take
     * @param refused points that no kernel can be built for, with the reason
     * @param title what is said of it while it goes on
     * @param verbose whether to say what runs and why points cannot be built
     * @param watch is told what runs
     */
    Search(
            Tunable device,
            Group group,
            double seconds,
            Map<TuningPoint, String> refused,
            Console console,
            Progress progress,
            String title,
            boolean verbose,
            Watch watch) {
        this.device = device;
        this.group = group;
        this.seconds = seconds;
        this.refused = refused;
        this.console = console;
        this.progress = progress;
        this.title = title;
        this.verbose = verbose;
        this.watch = watch;
    }

    private boolean isPast(double part) {
        return System.nanoTime() - start > part * seconds * 1e9;
    }

    /** What comes out. */
    Finding run() {
        progress.step(title + ": building " + group.inForce());
        Candidate now = new Candidate(device, group, group.inForce());
        alive.add(now);
        if (!isRight(now)) {
            throw new Unsupported(
                    "wrong results of what is in force: " + group.family() + " at " + group.inForce() + " for "
                            + group.bucket() + " (" + group.origin() + ")",
                    "unset FOVEA_TUNING, and report it if that does not help");
        }
        tried = 1;
        build();
        compete(now);
        return finding(now);
    }

    private void build() {
        List<TuningPoint> points = new ArrayList<>();
        for (TuningPoint p : group.points()) {
            String why = refused.get(p);
            if (why != null) {
                unbuilt(p, why);
            } else if (!p.equals(group.inForce())) {
                points.add(p);
            }
        }
        Deque<Future<Optional<Candidate>>> ahead = new ArrayDeque<>();
        AtomicBoolean over = new AtomicBoolean();
        ExecutorService pool = Executors.newSingleThreadExecutor(
                Thread.ofPlatform().daemon().name("tune").factory());
        try {
            int given = 0;
            for (int i = 0; i < points.size() && !isPast(BUILD_PART); i++) {
                for (; given < points.size() && ahead.size() < AHEAD; given++) {
                    TuningPoint point = points.get(given);
                    ahead.add(pool.submit(
                            () -> over.get() ? Optional.empty() : Optional.of(new Candidate(device, group, point))));
                }
                progress.step(title + ": building " + points.get(i), i, points.size());
                Candidate candidate = right(points.get(i), ahead.remove());
                if (candidate != null) {
                    alive.add(candidate);
                }
            }
        } finally {
            over.set(true);
            ahead.forEach(Search::discard);
            pool.shutdown();
        }
    }

    /** A candidate once it is built and what it computed found right; null if either is not so. */
    private @Nullable Candidate right(TuningPoint point, Future<Optional<Candidate>> building) {
        try {
            Candidate candidate = result(building).orElseThrow();
            boolean right = false;
            try {
                right = isRight(candidate);
            } finally {
                if (!right) {
                    candidate.close();
                }
            }
            tried++;
            if (right) {
                return candidate;
            }
            wrong++;
            console.note(String.format(
                    Locale.ROOT,
                    "fovea tune: WRONG, discarded: %s at %s for %s, sampled rows are off by %.3g times what is allowed",
                    group.family(),
                    point,
                    group.bucket(),
                    candidate.errorShare()));
        } catch (DeviceLost e) {
            throw e;
        } catch (FoveaException e) {
            unbuilt(point, FailureText.of(e).sentence().lines().findFirst().orElse(""));
        }
        return null;
    }

    private boolean isRight(Candidate candidate) {
        say("checking", candidate);
        watch.begin(title + ", a first call at " + candidate.point());
        boolean right = candidate.check();
        watch.end();
        return right;
    }

    private void say(String what, Candidate candidate) {
        if (verbose) {
            console.note("fovea tune: " + what + " " + group.family() + " at " + candidate.point());
        }
    }

    private void round(Candidate candidate) {
        if (candidate.rounds() == 0) {
            say("timing", candidate);
        }
        watch.begin(title + ", queued calls at " + candidate.point());
        candidate.round();
        watch.end();
    }

    private void unbuilt(TuningPoint point, String why) {
        unbuilt++;
        if (verbose) {
            console.note("fovea tune: not built: " + group.family() + " at " + point + ": " + why);
        }
    }

    private static Optional<Candidate> result(Future<Optional<Candidate>> building) {
        try {
            return building.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException cause -> throw cause;
                case Error cause -> throw cause;
                case null, default -> throw new IllegalStateException(e);
            }
        }
    }

    private static void discard(Future<Optional<Candidate>> building) {
        try {
            result(building).ifPresent(Candidate::close);
        } catch (FoveaException e) {
            // it was not wanted any more
        }
    }

    private void compete(Candidate now) {
        while (alive.size() > 1
                && now.rounds() < MOST_ROUNDS
                && !(now.rounds() >= LEAST_ROUNDS && isPast(ROUNDS_PART))) {
            progress.step(title + ": timing " + alive.size() + " points in turn", now.rounds(), MOST_ROUNDS);
            round(alive, now.rounds());
            if (now.rounds() >= LEAST_ROUNDS - 1) {
                drop(now);
            }
        }
    }

    /** In another order each time: where power limits the clocks, who runs after a slower one meets higher ones. */
    private void round(List<Candidate> candidates, int number) {
        List<Candidate> order = new ArrayList<>(candidates);
        Collections.shuffle(order, new Random(number));
        order.forEach(this::round);
    }

    private void drop(Candidate now) {
        double best = alive.stream().mapToDouble(c -> c.speedOver(now)).max().orElse(1);
        List<Candidate> slow = alive.stream()
                .filter(c -> c != now && c.speedOver(now) < BEHIND * best)
                .toList();
        alive.removeAll(slow);
        slow.forEach(Candidate::close);
    }

    private Finding finding(Candidate now) {
        Candidate best = alive.stream()
                .max(Comparator.comparingDouble(c -> c == now ? 1 : c.speedOver(now)))
                .orElse(now);
        double speed = 1;
        if (best != now) {
            now.forgetRounds();
            best.forgetRounds();
            for (int i = 0; i < LAST_ROUNDS; i++) {
                progress.step(title + ": timing the fastest in turn with what is in force", i, LAST_ROUNDS);
                round(i % 2 == 0 ? now : best);
                round(i % 2 == 0 ? best : now);
            }
            speed = best.speedOver(now);
        } else if (now.rounds() == 0) {
            round(now);
        }
        Candidate kept = speed >= CLEARLY && isRight(best) ? best : now;
        return new Finding(
                group,
                kept.point(),
                now.seconds(),
                kept.seconds(),
                kept == now ? 1 : speed,
                kept.errorShare(),
                tried,
                unbuilt,
                wrong,
                group.points().size() - tried - unbuilt);
    }

    @Override
    public void close() {
        alive.forEach(Candidate::close);
    }
}
