package dev.fovea.demo;

import ai.onnxruntime.OrtException;
import dev.fovea.api.Backends;
import dev.fovea.api.FoveaException;
import dev.fovea.api.spi.DeviceReport;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The {@code fovea demo} command. */
@Command(
        name = "fovea demo",
        sortOptions = false,
        description =
                "Runs the all-MiniLM-L6-v2 sentence encoder with the attention of every layer on Fovea, prints which "
                        + "sentences are alike, and compares the result with ONNX Runtime running the same file.",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:every device agrees with ONNX Runtime", "1:a device disagrees or failed", "2:wrong usage"})
public final class Main implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Option(
            names = "--device",
            paramLabel = "ID",
            description = "A device to run on, repeatable. Default: every available device in turn.")
    private List<String> devices = new ArrayList<>();

    @Option(names = "--json", description = "Print one JSON object instead of text.")
    private boolean json;

    @Option(
            names = "--sentences",
            paramLabel = "FILE",
            description =
                    "UTF-8 text, one sentence a line, at least two; # begins a comment line. Default: a built-in list.")
    private @Nullable Path file;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help.")
    @SuppressWarnings("UnusedVariable") // picocli acts on it
    private boolean help;

    private Main() {}

    /** Runs the command and exits with its code. */
    public static void main(String[] args) {
        String err = System.getProperty("fovea.err");
        if (err != null) {
            try {
                System.setErr(new PrintStream(new FileOutputStream(err), true, StandardCharsets.UTF_8));
            } catch (IOException e) {
                System.err.println("fovea demo: cannot write to " + err + ": " + e.getMessage());
            }
        }
        System.exit(run(args));
    }

    /** Runs the command; the exit code. */
    static int run(String... args) {
        return new CommandLine(new Main())
                .setExecutionExceptionHandler((e, command, parsed) -> {
                    command.getErr().println("fovea demo: " + (e.getMessage() == null ? e.toString() : e.getMessage()));
                    return e instanceof FoveaException.DeviceNotFound ? 2 : 1;
                })
                .execute(args);
    }

    @Override
    public Integer call() throws IOException, OrtException {
        List<String> sentences = sentences();
        List<String> chosen = devices.isEmpty()
                ? available()
                : devices.stream().map(Main::find).toList();
        List<DeviceOutcome> outcomes = new ArrayList<>();
        Demo demo;
        Progress progress = new Progress(System.err, Boolean.getBoolean("fovea.tty"));
        try {
            demo = new Demo(sentences, progress);
            for (String device : chosen) {
                outcomes.add(demo.on(device, progress));
            }
        } finally {
            progress.erase();
        }
        Report report = new Report(demo, sentences, outcomes);
        System.out.println(json ? report.json() : String.join("\n", report.text()));
        return outcomes.stream().allMatch(DeviceOutcome::passes) ? 0 : 1;
    }

    private List<String> sentences() throws IOException {
        if (file == null) {
            return Sentences.builtIn();
        }
        List<String> sentences;
        try {
            sentences = Sentences.of(file);
        } catch (IOException e) {
            throw wrong("--sentences: cannot read " + file + " as UTF-8 text (" + e + ")");
        }
        if (sentences.size() < 2) {
            throw wrong("--sentences: expected at least 2 sentences in " + file + ", got " + sentences.size());
        }
        return sentences;
    }

    private ParameterException wrong(String message) {
        if (spec == null) {
            throw new IllegalStateException(message);
        }
        return new ParameterException(spec.commandLine(), message);
    }

    private static List<String> available() {
        List<DeviceReport> reports = Backends.report();
        List<String> ids = reports.stream()
                .filter(DeviceReport.Available.class::isInstance)
                .map(DeviceReport::id)
                .toList();
        // the sentence of select names every refusal and its remedy
        return ids.isEmpty() ? List.of(Backends.select(reports, null, null)) : ids;
    }

    private static String find(String request) {
        return Backends.select(Backends.report(), request, null);
    }
}
