package dev.fovea.tools.tuning;

import dev.fovea.api.spi.TuningPoint;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * What came out for a group.
 *
 * @param best the point that won; the one in force where none is clearly faster
 * @param nowSeconds of a call of each case at the point in force
 * @param bestSeconds of a call of each case at the best
 * @param speed how many times as fast the best is
 * @param errorShare largest error of the best by what is allowed
 * @param tried points that ran
 * @param unbuilt points that no kernel could be built for
 * @param wrong points whose results were wrong
 * @param left points that there was no time for
 */
record Finding(
        Group group,
        TuningPoint best,
        double[] nowSeconds,
        double[] bestSeconds,
        double speed,
        double errorShare,
        int tried,
        int unbuilt,
        int wrong,
        int left) {
    /** Whether tables have to say something new. */
    boolean better() {
        return !best.equals(group.inForce());
    }

    /** Two lines for people. */
    String text() {
        String counts = tried + " points tried" + count(unbuilt, "not built") + count(wrong, "WRONG")
                + count(left, "left for want of time");
        String now = millis(nowSeconds) + " ms at " + group.inForce();
        return group.family() + ", " + group.bucket() + " (" + group.caseNames() + "): " + counts + "\n  "
                + (better()
                        ? String.format(
                                Locale.ROOT, "%.3fx: %s ms at %s, was %s", speed, millis(bestSeconds), best, now)
                        : "kept: " + now + " (" + group.origin() + ")");
    }

    private static String count(int n, String what) {
        return n == 0 ? "" : ", " + n + " " + what;
    }

    private static String millis(double[] seconds) {
        return Arrays.stream(seconds)
                .mapToObj(s -> String.format(Locale.ROOT, "%.4g", s * 1e3))
                .collect(Collectors.joining(" + "));
    }
}
