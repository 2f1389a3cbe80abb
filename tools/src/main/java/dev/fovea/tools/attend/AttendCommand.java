package dev.fovea.tools.attend;

import dev.fovea.tools.Console;
import dev.fovea.tools.DeviceCommand;
import dev.fovea.tools.FailureText;
import dev.fovea.tools.Json;
import dev.fovea.tools.OpenBackends;
import dev.fovea.tools.Progress;
import dev.fovea.tools.UsageException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** {@code fovea attend}: the attention primitive on NumPy files. */
@Command(
        name = "attend",
        sortOptions = false,
        header = "Attention on NumPy files.",
        customSynopsis = {
            "fovea attend --q FILE --k FILE --v FILE -o FILE [OPTIONS]",
            "       fovea attend --cases FILE [--device ID] [--json]"
        },
        description = {
            "%nComputes O = softmax(scale Q K^T + masks) V on .npy files, on the CPU or on a GPU, with f32 sums.",
            "Query head h uses key head h / (heads / key heads) and value head h / (heads / value heads). A row that sees no"
                    + " key gives 0 and the log-sum-exp -inf (with a sink: the sink). Files hold float16, float32, float64,"
                    + " bool, int32 or int64; float64 is converted to float32.%n"
        },
        optionListHeading = "Options:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:the call failed, or a line of --cases did", "2:wrong usage"},
        footerHeading = "%nExamples:%n",
        footer = {
            "  fovea attend --q q.npy --k k.npy --v v.npy -o o.npy --causal bottom-right",
            "  fovea attend --q q.npy --k k.npy --v v.npy -o o.npy \\",
            "      --layout packed --heads 32 --kv-heads 8",
            "  fovea attend --q q.npy --k k.npy --v v.npy -o o.npy \\",
            "      --lse lse.npy --scores probability=p.npy",
            "  fovea attend --q q.npy --k k.npy --v v.npy -o o.npy --scalar w=256 \\",
            "      --mask-expr 'kpos <= qpos && doc[qpos] == doc[kpos] && qpos - kpos < w' \\",
            "      --capture doc=doc.npy",
            "A line of a cases file:",
            "  {\"q\": \"q.npy\", \"k\": \"k.npy\", \"v\": \"v.npy\", \"out\": \"o.npy\",",
            "   \"window\": \"2,0\", \"scale\": 0.125, \"name\": \"local\"}   (all on one line)"
        })
public final class AttendCommand extends DeviceCommand {
    private static final Set<String> WITH_CASES = Set.of("--cases", "--device", "--json");

    @Mixin
    private AttendOptions options = new AttendOptions();

    @Option(
            names = "--cases",
            paramLabel = "FILE",
            description = {
                "Run many calls in one process: one JSON object a line, keys are the long option names without dashes, values"
                        + " numbers or strings (arrays of strings for options that repeat), and an optional name. A line that fails is reported, the others still run."
            })
    private @Nullable Path cases;

    @Option(names = "--json", description = "Print a JSON object about the call, or one line of JSON a case.")
    private boolean json;

    /** The parser of the options of one call, for flags and for lines of cases. */
    static CommandLine parser(AttendOptions options) {
        return new CommandLine(options).setExpandAtFiles(false);
    }

    @Override
    public Integer call() throws IOException {
        Console console = console();
        if (cases == null) {
            options.check();
        } else {
            onlyWithCases(spec());
        }
        List<CasesFile.Line> lines = cases == null ? List.of() : CasesFile.lines(cases);
        try (OpenBackends backends = backends();
                Progress progress = console.progress()) {
            return cases == null ? one(backends, progress, console) : many(lines, backends, progress, console);
        }
    }

    private static void onlyWithCases(CommandSpec spec) {
        for (CommandLine.Model.OptionSpec o :
                spec.commandLine().getParseResult().matchedOptions()) {
            if (!WITH_CASES.contains(o.longestName())) {
                throw new UsageException(o.longestName()
                        + " and --cases exclude each other; put it into the lines as \""
                        + o.longestName().substring(2) + "\"");
            }
        }
    }

    private int one(OpenBackends backends, Progress progress, Console console) throws IOException {
        AttendCall.Outcome done = AttendCall.run(options, backends, progress);
        progress.close();
        if (json) {
            console.out().println(Json.pretty(j -> fields(j, done)));
        } else {
            console.note(String.format(
                    Locale.ROOT,
                    "%s: %s %s on %s in %.1f ms",
                    done.out(),
                    done.storage(),
                    done.shape(),
                    done.device(),
                    done.millis()));
        }
        return ExitCode.OK;
    }

    private int many(List<CasesFile.Line> lines, OpenBackends backends, Progress progress, Console console) {
        int failed = 0;
        int done = 0;
        for (CasesFile.Line line : lines) {
            StringBuilder name = new StringBuilder();
            progress.step(failed == 0 ? "cases" : "cases, " + failed + " failed", done, lines.size());
            try {
                AttendOptions o = CasesFile.parse(line.text(), name).options();
                if (o.device == null) {
                    o.device = options.device;
                }
                AttendCall.Outcome outcome = AttendCall.run(o, backends, new Progress(console.err(), false));
                if (json) {
                    console.out().println(Json.line(j -> {
                        head(j, line, name, true);
                        fields(j, outcome);
                    }));
                }
            } catch (IOException | RuntimeException | OutOfMemoryError | StackOverflowError e) {
                failed++;
                FailureText failure = FailureText.of(e);
                console.note("fovea attend: line " + line.number() + (name.isEmpty() ? "" : " (" + name + ")") + ": "
                        + failure.sentence());
                if (FailureText.debugging()) {
                    e.printStackTrace(console.err());
                }
                if (json) {
                    console.out().println(Json.line(j -> {
                        head(j, line, name, false);
                        j.field("error", failure.sentence());
                    }));
                }
            }
            done++;
        }
        progress.close();
        console.note(done + (done == 1 ? " case: " : " cases: ") + (done - failed) + " passed, " + failed + " failed");
        return failed == 0 ? ExitCode.OK : ExitCode.SOFTWARE;
    }

    private static void head(Json json, CasesFile.Line line, CharSequence name, boolean ok) throws IOException {
        json.field("line", line.number()).field("name", name.toString()).field("ok", ok);
    }

    private static void fields(Json json, AttendCall.Outcome outcome) throws IOException {
        json.field("out", outcome.out().toString())
                .field("device", outcome.device())
                .field("dtype", outcome.storage().toString())
                .field("shape", outcome.shape().stream().mapToLong(n -> n).toArray())
                .field("ms", outcome.millis());
    }
}
