package dev.fovea.demo;

import ai.onnxruntime.OrtException;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
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
import java.util.Locale;
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
        description = {
            "Runs the all-MiniLM-L6-v2 sentence encoder with the attention of every layer on Fovea, prints which sentences",
            "are alike, and compares the result with ONNX Runtime running the same file."
        },
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
        List<DeviceResult> results = new ArrayList<>();
        Demo demo;
        Progress progress = new Progress(System.err, Boolean.getBoolean("fovea.tty"));
        try {
            demo = new Demo(sentences, progress);
            for (String device : chosen) {
                results.add(demo.on(device, progress));
            }
        } finally {
            progress.erase();
        }
        if (json) {
            System.out.println(new GsonBuilder().setPrettyPrinting().create().toJson(json(demo, sentences, results)));
        } else {
            text(demo, sentences, results).forEach(System.out::println);
        }
        return results.stream().allMatch(DeviceResult::passes) ? 0 : 1;
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

    private static List<String> text(Demo demo, List<String> sentences, List<DeviceResult> results) {
        List<String> lines =
                new ArrayList<>(new Similarity(sentences, results.getFirst().vectors()).lines());
        lines.add("");
        int tokens = demo.batches().stream().mapToInt(TokenBatch::tokens).sum();
        int padded = demo.batches().stream().mapToInt(b -> b.size() * b.width()).sum();
        lines.add(String.format(
                Locale.ROOT,
                "%d sentences, %d tokens (%d with padding) in %d batches; %d attention layers of %d heads x %d on the device, the rest in"
                        + " plain Java",
                sentences.size(),
                tokens,
                padded,
                demo.batches().size(),
                demo.layers(),
                Encoder.HEADS,
                Encoder.HEAD_DIM));
        lines.add("");
        int width = Math.max(
                "ONNX Runtime, CPU".length(),
                results.stream().mapToInt(r -> r.device().length()).max().orElse(0));
        lines.add(String.format(
                Locale.ROOT, "%-" + width + "s  %24s  %24s", "time, ms", "first pass", "warm pass (median)"));
        lines.add(String.format(
                Locale.ROOT, "%-" + width + "s  %12s%12s  %12s%12s", "", "attention", "total", "attention", "total"));
        for (DeviceResult r : results) {
            lines.add(String.format(
                    Locale.ROOT,
                    "%-" + width + "s  %12.1f%12.1f  %12.1f%12.1f",
                    r.device(),
                    r.first().attentionMs(),
                    r.first().totalMs(),
                    r.warm().attentionMs(),
                    r.warm().totalMs()));
        }
        lines.add(String.format(Locale.ROOT, "%-" + width + "s  %24s  %24.1f", "ONNX Runtime, CPU", "", demo.ortMs()));
        lines.add("");
        lines.add(String.format(
                Locale.ROOT,
                "agreement with ONNX Runtime (limits: cosine at least %s, hidden state within %s)",
                Agreement.MIN_COSINE,
                Agreement.MAX_DIFFERENCE));
        for (DeviceResult r : results) {
            lines.add(line(width, r.device(), "key lengths", r.agreement()));
            lines.add(line(width, r.device(), "boolean mask", r.maskAgreement()));
        }
        return lines;
    }

    private static String line(int width, String device, String padding, Agreement a) {
        return String.format(
                Locale.ROOT,
                "%-" + width + "s  %-12s  lowest cosine %.8f  largest difference %.2e  %s",
                device,
                padding,
                a.lowestCosine(),
                a.hiddenDifference(),
                a.passes() ? "ok" : "DISAGREES");
    }

    private static JsonObject json(Demo demo, List<String> sentences, List<DeviceResult> results) {
        JsonObject root = new JsonObject();
        root.addProperty("network", "all-MiniLM-L6-v2");
        root.addProperty("onnxRuntimeWarmMs", demo.ortMs());
        root.addProperty("minCosine", Agreement.MIN_COSINE);
        root.addProperty("maxHiddenDifference", Agreement.MAX_DIFFERENCE);
        JsonArray all = new JsonArray();
        for (DeviceResult r : results) {
            JsonObject o = new JsonObject();
            o.addProperty("device", r.device());
            o.addProperty("name", r.name());
            o.add("first", json(r.first()));
            o.add("warm", json(r.warm()));
            o.add("keyLengths", json(r.agreement()));
            o.add("booleanMask", json(r.maskAgreement()));
            o.addProperty("passes", r.passes());
            Similarity similarity = new Similarity(sentences, r.vectors());
            JsonArray list = new JsonArray();
            for (int i = 0; i < sentences.size(); i++) {
                JsonObject s = new JsonObject();
                s.addProperty("sentence", sentences.get(i));
                int nearest = similarity.nearest(i);
                s.addProperty("nearest", nearest);
                s.addProperty("cosine", similarity.cosine(i, nearest));
                JsonArray row = new JsonArray();
                for (int j = 0; j < sentences.size(); j++) {
                    row.add(similarity.cosine(i, j));
                }
                s.add("cosines", row);
                list.add(s);
            }
            o.add("sentences", list);
            all.add(o);
        }
        root.add("devices", all);
        return root;
    }

    private static JsonObject json(DeviceResult.Time time) {
        JsonObject o = new JsonObject();
        o.addProperty("attentionMs", time.attentionMs());
        o.addProperty("totalMs", time.totalMs());
        return o;
    }

    private static JsonObject json(Agreement agreement) {
        JsonObject o = new JsonObject();
        o.addProperty("lowestCosine", agreement.lowestCosine());
        o.addProperty("hiddenDifference", agreement.hiddenDifference());
        o.addProperty("passes", agreement.passes());
        return o;
    }
}
