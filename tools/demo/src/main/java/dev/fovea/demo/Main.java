package dev.fovea.demo;

import ai.onnxruntime.OrtException;
import dev.fovea.api.Backends;
import dev.fovea.tools.CliCommand;
import dev.fovea.tools.CommandRun;
import dev.fovea.tools.OpenBackends;
import dev.fovea.tools.Progress;
import dev.fovea.tools.UsageException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The {@code fovea demo} command. */
@Command(
        name = "fovea demo",
        sortOptions = false,
        header = "Run a real sentence encoder on every device and compare it with ONNX Runtime.",
        description =
                "%nThe network is all-MiniLM-L6-v2, with the attention of every layer on Fovea. Prints which sentences are "
                        + "alike, the times, and how close the result is to ONNX Runtime's for the same file.%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:every device agrees with ONNX Runtime", "1:a device disagrees or failed", "2:wrong usage"})
public final class Main extends CliCommand {
    @Option(
            names = "--device",
            paramLabel = "ID",
            description =
                    "A device to run on, repeatable. Default: FOVEA_DEVICE, else every " + "available device in turn.")
    private List<String> devices = new ArrayList<>();

    @Option(names = "--json", description = "Print one JSON object instead of text.")
    private boolean json;

    @Option(
            names = "--sentences",
            paramLabel = "FILE",
            description =
                    "UTF-8 text, one sentence a line, at least two; # begins a comment line. Sentences are cut at "
                            + SentenceTokenizer.MAX_TOKENS + " tokens. Default: a built-in list.")
    private @Nullable Path file;

    Main() {}

    /** Runs the command and exits with its code. */
    public static void main(String[] args) {
        System.exit(CommandRun.onStandardStreams(new Main(), args));
    }

    @Override
    public Integer call() throws IOException {
        List<String> sentences = file == null ? Sentences.builtIn() : Sentences.of(file);
        if (sentences.size() < 2) {
            throw new UsageException(
                    "--sentences: expected at least 2 sentences in " + file + ", got " + sentences.size());
        }
        Report report = report(sentences);
        console().out().println(json ? report.json() : String.join("\n", report.text()));
        return report.outcomes().stream().allMatch(DeviceOutcome::passes) ? 0 : 1;
    }

    private Report report(List<String> sentences) throws IOException {
        try (OpenBackends backends = new OpenBackends();
                Progress progress = console().progress()) {
            List<String> chosen = chosen(backends);
            Demo demo = new Demo(sentences, progress);
            List<DeviceOutcome> outcomes =
                    chosen.stream().map(d -> demo.on(d, progress)).toList();
            return new Report(demo, sentences, outcomes);
        } catch (OrtException e) {
            throw new IOException("ONNX Runtime: " + e.getMessage(), e);
        }
    }

    private List<String> chosen(OpenBackends backends) {
        if (!devices.isEmpty()) {
            return devices.stream().map(backends::select).toList();
        }
        String named = System.getenv(Backends.DEVICE_VARIABLE);
        if (named != null && !named.isBlank()) {
            return List.of(backends.select(null));
        }
        List<String> available = backends.available();
        // where there is none, the sentence of select names every refusal and its remedy
        return available.isEmpty() ? List.of(backends.select(null)) : available;
    }
}
