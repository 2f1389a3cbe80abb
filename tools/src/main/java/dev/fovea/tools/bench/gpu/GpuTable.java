package dev.fovea.tools.bench.gpu;

import dev.fovea.tools.Console;
import dev.fovea.tools.Environment;
import dev.fovea.tools.FailureText;
import dev.fovea.tools.Json;
import dev.fovea.tools.Progress;
import dev.fovea.tools.bench.gpu.GpuSuite.Checked;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The suite case after case: a line each, as a table or as JSON. */
public final class GpuTable {
    private static final double ROUND_SECONDS = 0.04;
    private static final int LEAST_ROUNDS = 5;
    private static final int MOST_ROUNDS = 1000;

    private final Console console;
    private final boolean json;
    private final int rounds;
    private final Environment environment = Environment.current();
    private final List<String> lines = new ArrayList<>();
    private int failed;

    /**
     * A table of what suites find.
     *
     * @param seconds to measure a case
     */
    public GpuTable(Console console, boolean json, double seconds) {
        this.console = console;
        this.json = json;
        this.rounds = (int) Math.clamp(seconds / ROUND_SECONDS, LEAST_ROUNDS, MOST_ROUNDS);
    }

    /** Prints the cases of a suite; those that fail get a sentence on stderr. */
    public void run(GpuSuite suite) {
        List<GpuCase> cases = suite.cases();
        if (!json) {
            console.out()
                    .println(suite.device().id() + ": " + suite.device().name() + ", driver "
                            + suite.device().driver() + ", fovea " + environment.fovea() + " " + environment.commit());
            console.out().println(header());
        }
        try (GpuClocks clocks = new GpuClocks()) {
            for (int i = 0; i < cases.size(); i++) {
                try (Progress progress = console.progress()) {
                    progress.step(suite.device().id() + " " + cases.get(i).name(), i, cases.size());
                    run(suite, cases.get(i), clocks);
                } catch (RuntimeException | OutOfMemoryError e) {
                    failed++;
                    console.note("fovea bench: " + cases.get(i).name() + " on "
                            + suite.device().id() + ": " + FailureText.of(e).sentence());
                }
            }
        }
    }

    private void run(GpuSuite suite, GpuCase c, GpuClocks clocks) {
        try (ReadyCase ready = suite.prepare(c)) {
            clocks.sinceLast();
            Checked checked = suite.measured(ready, rounds);
            GpuClocks.Sample clock = clocks.sinceLast();
            double event = ready.deviceSeconds();
            lines.add(json(suite, ready, checked, clock, event));
            console.out().println(json ? lines.getLast() : line(ready, checked, clock, event));
            console.out().flush();
        }
    }

    /** Failed cases so far. */
    public int failed() {
        return failed;
    }

    /** The JSON lines so far. */
    public List<String> lines() {
        return lines;
    }

    private String json(GpuSuite suite, ReadyCase ready, Checked checked, GpuClocks.Sample clock, double event) {
        GpuCase c = ready.description();
        double median = checked.times().median();
        return Json.line(j -> {
            j.field("device", suite.device().id())
                    .field("name", suite.device().name())
                    .field("driver", suite.device().driver());
            c.write(j);
            j.field("plan", ready.path())
                    .field("calls", checked.times().calls())
                    .field("rounds", rounds)
                    .field("seconds", median)
                    .field("minSeconds", checked.times().least())
                    .field("eventSeconds", event)
                    .field("tflops", c.flops() / median / 1e12)
                    .field("gbs", c.bytes() / median / 1e9)
                    .field("megahertz", clock.megahertz())
                    .field("watts", clock.watts());
            checked.error().write(j);
            for (var e : checked.times().more().entrySet()) {
                j.field(e.getKey(), e.getValue());
            }
            j.object("environment", environment::write);
        });
    }

    private static String header() {
        return String.format(
                Locale.ROOT,
                "%-24s %-5s %-20s %9s %9s %9s %8s %8s %9s %9s %5s %5s  %s",
                "case",
                "dtype",
                "shape",
                "median ms",
                "min ms",
                "event ms",
                "TFLOP/s",
                "GB/s",
                "max error",
                "rms error",
                "MHz",
                "W",
                "path");
    }

    private static String line(ReadyCase ready, Checked checked, GpuClocks.Sample clock, double event) {
        GpuCase c = ready.description();
        double median = checked.times().median();
        StringBuilder line = new StringBuilder(String.format(
                Locale.ROOT,
                "%-24s %-5s %-20s %s %s %s %s %s %9.2e %9.2e %s %s  %s",
                c.name(),
                c.type(),
                c.shape(),
                number("%9.4f", median * 1e3),
                number("%9.4f", checked.times().least() * 1e3),
                number("%9.4f", event * 1e3),
                number("%8.2f", c.flops() / median / 1e12),
                number("%8.1f", c.bytes() / median / 1e9),
                checked.error().max(),
                checked.error().rms(),
                number("%5.0f", clock.megahertz()),
                number("%5.0f", clock.watts()),
                ready.path()));
        checked.times()
                .more()
                .forEach((name, seconds) -> line.append(", ").append(name).append(number(" %.1f us", seconds * 1e6)));
        return line.toString();
    }

    /** A dash where there is no number. */
    private static String number(String format, double value) {
        String text = String.format(Locale.ROOT, format, value);
        return Double.isNaN(value) ? text.replace("NaN", "  -") : text;
    }
}
