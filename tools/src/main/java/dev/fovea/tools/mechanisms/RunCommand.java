package dev.fovea.tools.mechanisms;

import dev.fovea.api.Backend;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.Tensor;
import dev.fovea.conformance.mechanisms.Problem;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Example;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Port;
import dev.fovea.tools.Console;
import dev.fovea.tools.DeviceCommand;
import dev.fovea.tools.FailureText;
import dev.fovea.tools.Json;
import dev.fovea.tools.OpenBackends;
import dev.fovea.tools.StorageType;
import dev.fovea.tools.UsageException;
import dev.fovea.tools.npy.NpyFormatException;
import dev.fovea.tools.npy.NpyOutput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code fovea mechanisms run}: a mechanism on NumPy files, or on example inputs. */
@Command(
        name = "run",
        sortOptions = false,
        header = "Run a mechanism on NumPy files, or on example inputs.",
        customSynopsis = {
            "fovea mechanisms run ID --in NAME=FILE... [OPTIONS]",
            "       fovea mechanisms run ID --example [N] [--save-inputs DIR]"
        },
        description = {
            "%nNames, shapes and parameters are those of fovea mechanisms show ID. Files hold float16, float32, float64, bool,"
                    + " int32 or int64; float64 is converted to float32. Prints shape, range and mean of each output.%n"
        },
        optionListHeading = "Options:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:the run failed, or the example disagrees with its formula", "2:wrong usage"},
        footerHeading = "%nExamples:%n",
        footer = {
            "  fovea mechanisms run flashbias --example --save-inputs inputs",
            "  fovea mechanisms run flashbias --in query=inputs/query.npy \\",
            "      --in key=inputs/key.npy --in value=inputs/value.npy \\",
            "      --in query_factor=inputs/query_factor.npy \\",
            "      --in key_factor=inputs/key_factor.npy --out output=o.npy"
        })
final class RunCommand extends DeviceCommand {
    /** Of example values, where none is given. */
    static final long SEED = 1;

    @Parameters(paramLabel = "ID", arity = "0..1", description = "A mechanism, see fovea mechanisms.")
    private @Nullable String id;

    @Option(
            names = "--in",
            paramLabel = "NAME=FILE",
            converter = NamedPair.Converter.class,
            description = "An input, repeatable.")
    private List<NamedPair> inputs = new ArrayList<>();

    @Option(
            names = "--param",
            paramLabel = "NAME=VALUE",
            converter = NamedPair.Converter.class,
            description = "A parameter other than its default, repeatable; with --example other than the example's.")
    private List<NamedPair> parameters = new ArrayList<>();

    @Option(
            names = "--out",
            paramLabel = "NAME=FILE",
            converter = NamedPair.Converter.class,
            description = "Write an output, repeatable.")
    private List<NamedPair> outputs = new ArrayList<>();

    @Option(
            names = "--example",
            paramLabel = "N",
            arity = "0..1",
            fallbackValue = "1",
            description = {
                "Run the Nth example of the mechanism, the first without a number, on random inputs, and compare the outputs with"
                        + " the formula in float64."
            })
    private @Nullable String example;

    @Option(names = "--seed", paramLabel = "N", description = "Of the random inputs of --example. Default: 1.")
    private @Nullable Long seed;

    @Option(
            names = "--save-inputs",
            paramLabel = "DIR",
            description = "Write the inputs of --example as DIR/NAME.npy, to start from.")
    private @Nullable Path saveInputs;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            converter = StorageType.Names.class,
            description = {
                "Storage type of the inputs that may have several: f32, f16 or bf16. Default: f16 where all files are float16,"
                        + " else f32."
            })
    private @Nullable StorageType storage;

    @Option(
            names = "--device",
            paramLabel = "ID",
            description = {
                "Device to run on, see `fovea probe`; opencl alone picks the best one of OpenCL. Default: what the environment"
                        + " variable FOVEA_DEVICE names, else the best ranked."
            })
    private @Nullable String device;

    @Option(names = "--json", description = "Print one JSON object instead of text.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        Find.nothingBefore(spec());
        if (id == null && example != null && !example.matches("\\d+")) {
            id = example; // run --example ID
            example = "1";
        }
        Mechanism mechanism = Find.mechanism(id);
        Declaration d = mechanism.declaration();
        if (example != null && saveInputs != null) {
            folder(saveInputs);
        }
        Map<String, Path> targets = targets(d);
        if (example == null) {
            if (seed != null || saveInputs != null) {
                throw new UsageException((seed != null ? "--seed" : "--save-inputs") + " goes with --example");
            }
            return onFiles(Find.with(mechanism, NamedPair.texts("--param", parameters)), targets);
        }
        if (!inputs.isEmpty() || storage != null) {
            throw new UsageException("--example and " + (inputs.isEmpty() ? "--dtype" : "--in")
                    + " exclude each other; expected one of them");
        }
        return onExample(mechanism, example(d), targets);
    }

    private static void folder(Path path) {
        try {
            Files.createDirectories(path);
        } catch (IOException e) {
            throw new UsageException("--save-inputs: expected a folder that can be made, got "
                    + FailureText.of(e).sentence());
        }
    }

    private Map<String, Path> targets(Declaration d) {
        Map<String, Path> targets = NamedPair.files("--out", outputs);
        List<Path> taken = new ArrayList<>();
        targets.forEach((name, path) -> {
            Find.port("--out", name, "output", d.outputs(), d);
            Path folder = path.toAbsolutePath().getParent();
            if (folder != null && !Files.isDirectory(folder)) {
                throw new UsageException("--out " + name + ": expected a file in a folder that exists, got " + path);
            }
            if (taken.contains(path.toAbsolutePath().normalize())) {
                throw new UsageException("--out " + name + ": expected a file of its own, got " + path + " again");
            }
            taken.add(path.toAbsolutePath().normalize());
        });
        return targets;
    }

    private Example example(Declaration d) {
        int count = d.examples().size();
        String text = Objects.requireNonNull(example);
        if (!text.matches("\\d{1,4}") || Integer.parseInt(text) < 1 || Integer.parseInt(text) > count) {
            throw new UsageException("--example: expected a number from 1 to " + count + ", got '" + text + "'");
        }
        Example listed = d.examples().get(Integer.parseInt(text) - 1);
        Map<String, String> values = new LinkedHashMap<>(listed.parameters());
        values.putAll(NamedPair.texts("--param", parameters));
        return new Example(listed.sizes(), values);
    }

    private int onFiles(Mechanism mechanism, Map<String, Path> targets) throws IOException {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        try (RunInputs files = new RunInputs(mechanism.declaration(), NamedPair.files("--in", inputs), storage);
                OpenBackends backends = backends()) {
            Backend backend = backends.get(device);
            Outcome outcome;
            try {
                files.upload(backend, tensors);
                outcome = Outcome.of(mechanism, backend, tensors);
            } catch (InvalidArgument | NpyFormatException e) {
                throw new UsageException(FailureText.of(e).sentence());
            } finally {
                tensors.values().forEach(Tensor::close);
            }
            write(outcome.values(), targets);
            report(outcome, null, targets);
            return ExitCode.OK;
        }
    }

    private int onExample(Mechanism mechanism, Example chosen, Map<String, Path> targets) throws IOException {
        Find.with(mechanism, chosen.parameters()); // a wrong --param is told as such
        long from = Objects.requireNonNullElse(seed, SEED);
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        try (OpenBackends backends = backends()) {
            Backend backend = backends.get(device);
            Outcome outcome;
            ExampleRun run;
            try {
                run = ExampleRun.of(Problem.of(mechanism, chosen, from), from);
                run.problem().inputs().forEach((name, t) -> tensors.put(name, t.upload(backend)));
                outcome = Outcome.of(run.problem().mechanism(), backend, tensors);
                run = run.compared(outcome, backend, tensors);
            } catch (InvalidArgument e) {
                throw new UsageException(FailureText.of(e).sentence());
            } finally {
                tensors.values().forEach(Tensor::close);
            }
            if (saveInputs != null) {
                Map<String, HostValues> values = new LinkedHashMap<>();
                Map<String, Path> paths = new LinkedHashMap<>();
                for (Port p : mechanism.declaration().inputs()) {
                    values.put(p.name(), HostValues.of(run.problem().input(p.name())));
                    paths.put(p.name(), saveInputs.resolve(p.name() + ".npy"));
                }
                write(values, paths);
            }
            write(outcome.values(), targets);
            report(outcome, run, targets);
            return run.wrong().isEmpty() ? ExitCode.OK : ExitCode.SOFTWARE;
        }
    }

    /** All files or none. */
    private static void write(Map<String, HostValues> values, Map<String, Path> targets) throws IOException {
        List<NpyOutput> begun = new ArrayList<>();
        try {
            for (Map.Entry<String, Path> target : targets.entrySet()) {
                begun.add(Objects.requireNonNull(values.get(target.getKey())).begin(target.getValue()));
            }
            for (NpyOutput output : begun) {
                output.commit();
            }
        } finally {
            for (NpyOutput output : begun) {
                output.close();
            }
        }
    }

    private void report(Outcome outcome, @Nullable ExampleRun run, Map<String, Path> targets) {
        Console console = console();
        if (json) {
            console.out().println(Json.pretty(j -> {
                outcome.write(j, targets);
                if (run != null) {
                    run.write(j);
                }
            }));
            return;
        }
        List<String> lines = new ArrayList<>();
        if (run != null) {
            lines.add(run.head());
        }
        lines.addAll(outcome.lines(run == null ? List.of() : run.rows(), targets));
        if (run != null) {
            lines.addAll(run.tail(saveInputs));
        }
        lines.forEach(console.out()::println);
    }
}
