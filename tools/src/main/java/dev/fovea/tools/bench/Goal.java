package dev.fovea.tools.bench;

import java.util.Locale;

/**
 * What a figure of a case should reach.
 *
 * @param bound least or most, as the measure says
 * @param stretch a bound beyond that, 0 = none
 */
record Goal(Measure measure, double bound, double stretch) {
    Goal(Measure measure, double bound) {
        this(measure, bound, 0);
    }

    /** A figure of a case, and whether it should be large. */
    enum Measure {
        OVER_ONNX("times the throughput of ONNX Runtime", true),
        OVER_PEERS("times the throughput of the best peer", true),
        OF_PEAK("of the FMA peak", true),
        OF_SUM("of a loop that sums the same memory", true),
        OVER_ONE_THREAD("times the throughput of one thread", true),
        OF_CAUSAL_SHARE("of its share of causal time", false),
        WARM_MICROS("µs a call, warm", false),
        FIRST_SECONDS("s for the first call of a JVM", false);

        final String text;
        final boolean large;

        Measure(String text, boolean large) {
            this.text = text;
            this.large = large;
        }
    }

    boolean met(double value) {
        return reaches(value, bound);
    }

    private boolean reaches(double value, double limit) {
        return measure.large ? value >= limit : value <= limit;
    }

    String line(double value) {
        String verdict = !met(value) ? "MISSED" : stretch != 0 && reaches(value, stretch) ? "met, stretch too" : "met";
        return String.format(
                Locale.ROOT,
                "  goal %s %s %s%s: %s, %s",
                measure.large ? "≥" : "≤",
                number(bound),
                measure.text,
                stretch == 0 ? "" : " (stretch " + number(stretch) + ")",
                number(value),
                verdict);
    }

    private static String number(double x) {
        return String.format(Locale.ROOT, Math.abs(x) >= 10 ? "%.1f" : "%.2f", x);
    }
}
