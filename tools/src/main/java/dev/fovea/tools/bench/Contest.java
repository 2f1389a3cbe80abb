package dev.fovea.tools.bench;

import dev.fovea.api.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Two calls timed in turn, so that both meet the same clocks and neighbours.
 *
 * @param name what is timed, and against what
 * @param goal bound of the ratio
 * @param goalIsSpeed whether the ratio is baseline time by subject time and should be at least the goal; else it is subject by baseline
 *     time and should be at most the goal
 */
record Contest(String name, double goal, boolean goalIsSpeed, Maker maker) {
    /** Makes the tensors and plans; called once, when the contest is on. */
    interface Maker {
        Sides make(Resources resources);
    }

    /**
     * The two calls. Each ends when its result is there.
     *
     * @param check empty if the subject's result is right, else what is wrong with it
     */
    record Sides(Runnable subject, Runnable baseline, Check check) {}

    /** Looks at results after both sides ran once. */
    interface Check {
        String fault();
    }

    /** Closes what a contest made, last first. */
    static final class Resources implements AutoCloseable {
        private final List<AutoCloseable> open = new ArrayList<>();

        <T extends AutoCloseable> T keep(T t) {
            open.add(t);
            return t;
        }

        @Override
        public void close() {
            for (AutoCloseable c : open.reversed()) {
                try {
                    c.close();
                } catch (RuntimeException e) {
                    throw e;
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            }
        }
    }

    /** Median milliseconds of both sides. */
    record Outcome(Contest contest, double subject, double baseline, int rounds) {
        double ratio() {
            return contest.goalIsSpeed() ? baseline / subject : subject / baseline;
        }

        boolean met() {
            return contest.goalIsSpeed() ? ratio() >= contest.goal() : ratio() <= contest.goal();
        }

        String line() {
            return String.format(
                    Locale.ROOT,
                    "%-78s %9.3f ms %9.3f ms   %5.2f x  (%s %.2f) %s",
                    contest.name(),
                    subject,
                    baseline,
                    ratio(),
                    contest.goalIsSpeed() ? "at least" : "at most",
                    contest.goal(),
                    met() ? "met" : "missed");
        }
    }

    Outcome run(double seconds) {
        try (Resources resources = new Resources()) {
            Sides sides = maker.make(resources);
            sides.subject().run();
            sides.baseline().run();
            String fault = sides.check().fault();
            if (!fault.isEmpty()) {
                throw new dev.fovea.api.FoveaException.DeviceFailure(name + ": " + fault, null);
            }
            rounds(sides, seconds, new ArrayList<>(), new ArrayList<>());
            List<Double> subject = new ArrayList<>();
            List<Double> baseline = new ArrayList<>();
            int n = rounds(sides, seconds, subject, baseline);
            return new Outcome(this, BenchRun.median(subject), BenchRun.median(baseline), n);
        }
    }

    private static int rounds(Sides sides, double seconds, List<Double> subject, List<Double> baseline) {
        long end = System.nanoTime() + (long) (seconds * 1e9);
        int n = 0;
        for (; n < 5 || System.nanoTime() < end && n < 1000; n++) {
            subject.add(millis(sides.subject()));
            baseline.add(millis(sides.baseline()));
        }
        return n;
    }

    private static double millis(Runnable call) {
        long start = System.nanoTime();
        call.run();
        return (System.nanoTime() - start) / 1e6;
    }

    /** Largest difference of two tensors against a bound, as a sentence. */
    static String difference(Tensor got, Tensor expected, double bound) {
        float[] a = got.toFloatArray();
        float[] b = expected.toFloatArray();
        for (int i = 0; i < a.length; i++) {
            if (!(Math.abs(a[i] - b[i]) <= bound)) {
                return "element " + i + " is " + a[i] + " where the other way gives " + b[i];
            }
        }
        return "";
    }
}
