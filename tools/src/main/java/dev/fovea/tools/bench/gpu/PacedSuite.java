package dev.fovea.tools.bench.gpu;

import dev.fovea.tools.Console;
import dev.fovea.tools.Environment;
import dev.fovea.tools.FailureText;
import dev.fovea.tools.Json;
import dev.fovea.tools.bench.gpu.GpuSuite.Checked;
import java.io.BufferedReader;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The suite at the command of another process, so that the two can take turns on a device: a line in, a line of JSON out. */
public final class PacedSuite implements AutoCloseable {
    /** What the process understands. */
    public static final String PROTOCOL =
            "list: the device and the cases; run CASE ROUNDS: seconds per call of each round;"
                    + " quit, or the end of stdin.";

    private final GpuSuite suite;
    private final Console console;
    private final Map<String, ReadyCase> ready = new LinkedHashMap<>();
    private final Map<String, String> failed = new LinkedHashMap<>();

    /** Prepares all cases; one that fails says so when it is asked for. */
    public PacedSuite(GpuSuite suite, Console console) {
        this.suite = suite;
        this.console = console;
        for (GpuCase c : suite.cases()) {
            try {
                ready.put(c.name(), suite.prepare(c));
            } catch (RuntimeException | OutOfMemoryError e) {
                failed.put(c.name(), FailureText.of(e).sentence());
                console.note("fovea bench: " + c.name() + ": " + failed.get(c.name()));
            }
        }
    }

    /** Obeys until told to quit. */
    public void obey(BufferedReader commands) throws IOException {
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] words = line.strip().split("\\s+");
            if (words[0].equals("quit")) {
                return;
            }
            console.out().println(answer(words));
            console.out().flush();
        }
    }

    private String answer(String[] words) {
        if (words[0].equals("list") && words.length == 1) {
            return list();
        }
        if (!words[0].equals("run") || words.length != 3 || !words[2].matches("[1-9]\\d{0,5}")) {
            return failure("", "expected a command: " + PROTOCOL);
        }
        ReadyCase c = ready.get(words[1]);
        if (c == null) {
            return failure(words[1], failed.getOrDefault(words[1], "there is no such case: list names them"));
        }
        try {
            Checked checked = suite.measured(c, Integer.parseInt(words[2]));
            return Json.line(j -> {
                j.field("case", words[1])
                        .field("calls", checked.times().calls())
                        .field("seconds", checked.times().seconds());
                checked.error().write(j);
                for (Map.Entry<String, Double> e : checked.times().more().entrySet()) {
                    j.field(e.getKey(), e.getValue());
                }
            });
        } catch (RuntimeException | OutOfMemoryError e) {
            return failure(words[1], FailureText.of(e).sentence());
        }
    }

    private static String failure(String name, String sentence) {
        return Json.line(j -> j.field("case", name).field("failed", sentence));
    }

    private String list() {
        Environment environment = Environment.current();
        return Json.line(j -> j.field("device", suite.device().id())
                .field("name", suite.device().name())
                .field("driver", suite.device().driver())
                .object("environment", environment::write)
                .objects("cases", suite.cases(), (o, c) -> {
                    c.write(o);
                    ReadyCase r = ready.get(c.name());
                    if (r != null) {
                        o.field("plan", r.path());
                    } else {
                        o.field("failed", failed.getOrDefault(c.name(), ""));
                    }
                    o.objects(
                            "rows",
                            c.kind() == GpuCase.Kind.COPY ? List.of() : c.rows(),
                            (x, row) -> x.field("b", row.batch())
                                    .field("h", row.head())
                                    .field("q", row.query()));
                }));
    }

    @Override
    public void close() {
        ready.values().forEach(ReadyCase::close);
    }
}
