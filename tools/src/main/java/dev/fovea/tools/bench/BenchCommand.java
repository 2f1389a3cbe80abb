package dev.fovea.tools.bench;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.tools.Console;
import dev.fovea.tools.DeviceCommand;
import dev.fovea.tools.Environment;
import dev.fovea.tools.FailureText;
import dev.fovea.tools.NamedValues;
import dev.fovea.tools.OpenBackends;
import dev.fovea.tools.Progress;
import dev.fovea.tools.UsageException;
import dev.fovea.tools.WindowBounds;
import dev.fovea.tools.bench.gpu.GpuSuite;
import dev.fovea.tools.bench.gpu.GpuTable;
import dev.fovea.tools.bench.gpu.PacedSuite;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;

/** {@code fovea bench}: times of attention. */
@Command(
        name = "bench",
        sortOptions = false,
        header = "Time attention on a device.",
        description = {
            "%nOne line a case: median and shortest time, TFLOP/s of the two products over visible pairs, GB/s with each tensor"
                    + " counted once. Each result is checked on sampled rows against a float64 loop first; a wrong one gets no"
                    + " figure. Inputs are normally distributed. Times are of the computation alone, by the device's own clock where it has one, tensors already on the"
                    + " device.%n"
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:all cases timed", "1:a case failed, or the peers are not here", "2:wrong usage"},
        footerHeading = "%nExamples:%n",
        footer = {
            "  fovea bench",
            "  fovea bench --device cpu --shape 1x8x1024x64 --causal",
            "  FOVEA_THREADS=1 fovea bench --device cpu --suite options",
            "  fovea bench --suite gpu --only 16k-128 --json",
            "  ./fovea bench --suite cpu --peers --chart cpu.svg --out cpu.jsonl",
            "  fovea bench --suite cpu --case decode --forks 1",
            "  fovea bench --shape 1x32/8x1/4096x128 --dtype f16 --dtype bf16 --out bench.jsonl"
        })
public final class BenchCommand extends DeviceCommand {
    @Option(
            names = "--device",
            paramLabel = "ID",
            description = "A device to time, repeatable. Default: what FOVEA_DEVICE names, else the best ranked.")
    private List<String> devices = new ArrayList<>();

    @Option(
            names = "--shape",
            paramLabel = "BxHxSxD",
            converter = BenchShape.Converter.class,
            description = {
                "Batch, heads, positions, head dim; repeatable. H/K gives the keys K heads, S/N gives them N positions:"
                        + " 1x32/8x1/4096x128 is one step of decoding. Default: a few shapes that suit the device."
            })
    private List<BenchShape> shapes = new ArrayList<>();

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            converter = Types.class,
            description = "Storage type f32, f16 or bf16; repeatable. Default: f32.")
    private List<DType> types = new ArrayList<>();

    @Option(
            names = "--causal",
            description = "A query sees the keys up to its own position; the last query is at the last key.")
    private boolean causal;

    @Option(
            names = "--window",
            paramLabel = "L,R",
            converter = WindowBounds.Converter.class,
            description = "A query sees L keys before and R after its position; -1 = unlimited.")
    private @Nullable WindowBounds window;

    @Option(
            names = "--suite",
            paramLabel = "NAME",
            description = {
                "options: what masks, caches and uneven batches cost, as ratios of times taken in turn, each with its goal.",
                "cpu: prefill, decode, small and first calls on the CPU, each case in Java processes of its own, beside"
                        + " the machine's limits (a multiply-add loop, a loop that sums the same memory) and their goals.",
                "gpu: the cases that Fovea is compared with other libraries by (tools/bench), as seconds of a call among many"
                        + " queued ones, with the error against float64.",
                "A missed goal is no failure."
            })
    private @Nullable String suite;

    @Option(
            names = "--only",
            paramLabel = "PATTERN",
            description = "Of the gpu suite the cases whose name this regular expression finds.")
    private @Nullable Pattern only;

    @Option(
            names = "--paced",
            description = {
                "The gpu suite at the command of another process: prepares all cases, then reads lines from stdin and answers"
                        + " each with a line of JSON.",
                PacedSuite.PROTOCOL
            })
    private boolean paced;

    @Option(
            names = "--shrink",
            paramLabel = "N",
            defaultValue = "1",
            description =
                    "Try the gpu suite with a sequence instead of a batch, at most 4 heads and N times fewer positions.")
    private int shrink;

    @Option(
            names = "--peers",
            description = {
                "With the cpu suite (which it implies): ONNX Runtime and libtorch compute the same in turn with Fovea; a"
                        + " ratio is their time by Fovea's, above 1 Fovea is faster. In a source checkout only: Maven"
                        + " fetches about 230 MB the first time."
            })
    private boolean peers;

    @Option(
            names = "--case",
            paramLabel = "TEXT",
            defaultValue = "",
            description = "Of the cpu suite only cases with this text in their names.")
    private String part = "";

    @Option(
            names = "--threads",
            paramLabel = "N",
            split = ",",
            description = "Of the cpu suite: numbers of threads. Default: those of 1, 2 and 16 that the machine has.")
    private List<Integer> threads = new ArrayList<>();

    @Option(
            names = "--forks",
            paramLabel = "N",
            defaultValue = "3",
            description = "Of the cpu suite: Java processes a case, medians over them. Default: ${DEFAULT-VALUE}.")
    private int forks;

    @Option(
            names = "--chart",
            paramLabel = "FILE",
            description = "Of the cpu suite: also draw throughputs beside Fovea's into this SVG file.")
    private @Nullable Path chart;

    @Option(
            names = "--time",
            paramLabel = "SECONDS",
            defaultValue = "1",
            description =
                    "How long to warm up a case (each library of a case), and again to measure it. Default: ${DEFAULT-VALUE}.")
    private double seconds;

    @Option(names = "--out", paramLabel = "FILE", description = "Also write the results as JSON lines to this file.")
    private @Nullable Path out;

    @Option(names = "--json", description = "Print JSON lines instead of a table.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        if (!(seconds > 0 && seconds <= 3600)) {
            throw new UsageException("--time: expected seconds above 0 and at most 3600, got " + seconds);
        }
        Console console = console();
        if ("cpu".equals(suite) || suite == null && peers) {
            return cpu(console);
        }
        checkNoneOfCpuSuite();
        if ("gpu".equals(suite)) {
            return gpu(console);
        }
        if (only != null || paced || shrink != 1) {
            throw new UsageException("--only, --paced and --shrink are for --suite gpu");
        }
        if (suite != null) {
            return options(console);
        }
        Environment environment = Environment.current();
        List<String> lines = new ArrayList<>();
        int failed = 0;
        try (OpenBackends backends = backends()) {
            if (!json) {
                console.out().println(BenchResult.header());
            }
            for (Backend backend : open(backends)) {
                List<BenchCase> cases = cases(backend.info().kind());
                for (int i = 0; i < cases.size(); i++) {
                    BenchCase c = cases.get(i);
                    try {
                        BenchResult result = run(backend, c, i, cases.size(), console);
                        lines.add(result.json(environment));
                        console.out().println(json ? lines.getLast() : result.line());
                    } catch (RuntimeException | OutOfMemoryError e) {
                        failed++;
                        console.note("fovea bench: " + c.shape() + " " + c.type() + " on "
                                + backend.info().id() + ": " + FailureText.of(e).sentence());
                    }
                }
            }
        }
        write(lines);
        return failed == 0 ? ExitCode.OK : ExitCode.SOFTWARE;
    }

    private void write(List<String> lines) throws IOException {
        if (out != null) {
            try (Writer writer = Files.newBufferedWriter(out)) {
                for (String line : lines) {
                    writer.write(line + "\n");
                }
            }
        }
    }

    private int gpu(Console console) throws IOException {
        if (shrink < 1 || shrink > 1 << 16) {
            throw new UsageException("--shrink: expected 1 to 65536, got " + shrink);
        }
        try (OpenBackends backends = new OpenBackends()) {
            List<Backend> all = open(backends);
            if (paced) {
                BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
                try (GpuSuite gpu = new GpuSuite(all.getFirst(), only, shrink);
                        PacedSuite suite = new PacedSuite(gpu, console)) {
                    suite.obey(commands);
                }
                return ExitCode.OK;
            }
            GpuTable table = new GpuTable(console, json, seconds);
            for (Backend backend : all) {
                try (GpuSuite gpu = new GpuSuite(backend, only, shrink)) {
                    table.run(gpu);
                }
            }
            write(table.lines());
            return table.failed() == 0 ? ExitCode.OK : ExitCode.SOFTWARE;
        }
    }

    private void checkNoneOfCpuSuite() {
        if (peers || !part.isEmpty() || !threads.isEmpty() || chart != null) {
            throw new UsageException("--peers, --case, --threads and --chart belong to --suite cpu");
        }
    }

    private int cpu(Console console) throws IOException {
        if (!shapes.isEmpty() || !types.isEmpty() || causal || window != null || !devices.isEmpty()) {
            throw new UsageException("--suite cpu has its own shapes, types and device; choose among them by --case");
        }
        if (forks < 1 || forks > 100 || threads.stream().anyMatch(n -> n < 1 || n > 4096)) {
            throw new UsageException("--forks takes 1 to 100, --threads 1 to 4096");
        }
        List<Integer> numbers = threads.isEmpty() ? CpuBench.usualThreads() : threads;
        CpuBench bench = new CpuBench(part, numbers, forks, seconds, peers);
        if (bench.names().isEmpty()) {
            throw new UsageException("--case: none of the suite has '" + part + "' in its name; there are: "
                    + String.join("; ", new CpuBench("", numbers, forks, seconds, peers).names()));
        }
        if (peers && !CpuBench.havePeers()) {
            console.note(
                    "fovea bench: ONNX Runtime and libtorch are not in the distribution, for their size; run ./fovea"
                            + " bench --peers in a source checkout");
            return ExitCode.SOFTWARE;
        }
        Environment environment = Environment.current();
        List<CpuResult> results = new ArrayList<>();
        if (!json) {
            console.out().println(CpuResult.header());
        }
        int failed = bench.run(console, result -> {
            results.add(result);
            console.out().println(json ? result.json(environment) : result.line());
            if (!json) {
                result.goals().forEach(g -> console.out().println(g.goal().line(g.value())));
            }
        });
        write(results.stream().map(r -> r.json(environment)).toList());
        if (chart != null) {
            Files.writeString(chart, CpuChart.svg(results, environment));
        }
        return failed == 0 ? ExitCode.OK : ExitCode.SOFTWARE;
    }

    private int options(Console console) {
        if (!"options".equals(suite)) {
            throw new UsageException("--suite: there are 'options', 'cpu' and 'gpu', got '" + suite + "'");
        }
        int failed = 0;
        try (OpenBackends backends = backends()) {
            for (Backend backend : open(backends)) {
                try (ExecutionStream stream = backend.newStream()) {
                    for (Contest contest : new OptionSuite(backend, stream).contests()) {
                        try {
                            console.out().println(contest.run(seconds).line());
                        } catch (RuntimeException | OutOfMemoryError e) {
                            failed++;
                            console.note("fovea bench: " + contest.name() + " on "
                                    + backend.info().id() + ": "
                                    + FailureText.of(e).sentence());
                        }
                    }
                }
            }
        }
        return failed == 0 ? ExitCode.OK : ExitCode.SOFTWARE;
    }

    private BenchResult run(Backend backend, BenchCase c, int done, int total, Console console) {
        try (Progress progress = console.progress()) {
            progress.step(backend.info().id() + " " + c.shape() + " " + c.type(), done, total);
            return new BenchRun(backend, seconds).run(c);
        }
    }

    private List<Backend> open(OpenBackends backends) {
        return devices.isEmpty()
                ? List.of(backends.get(null))
                : devices.stream().map(backends::get).distinct().toList();
    }

    private List<BenchCase> cases(DeviceInfo.Kind kind) {
        List<BenchCase> all = new ArrayList<>();
        for (DType type : types.isEmpty() ? List.of(DType.F32) : types) {
            int left = window == null ? -1 : window.left();
            int right = window == null ? -1 : window.right();
            for (BenchShape shape : shapes) {
                all.add(new BenchCase(shape, type, causal, left, right));
            }
            if (shapes.isEmpty()) {
                for (BenchShape shape : suite(kind)) {
                    all.add(new BenchCase(shape, type, causal, left, right));
                    if (shape.queries() > 1 && !causal) {
                        all.add(new BenchCase(shape, type, true, left, right));
                    }
                }
            }
        }
        return all;
    }

    private static List<BenchShape> suite(DeviceInfo.Kind kind) {
        List<String> texts = switch (kind) {
            case CPU, OPENCL_CPU -> List.of("1x8x1024x64", "1x8x512x128", "1x32/8x1/4096x128");
            case GPU, ACCELERATOR -> List.of("4x16x4096x64", "2x32/8x4096x128", "16x12x512x64", "8x32/8x1/8192x128");
        };
        return texts.stream().map(BenchShape::parse).toList();
    }

    /** Reads a storage type. */
    static final class Types implements ITypeConverter<DType> {
        @Override
        public DType convert(String text) {
            return DType.valueOf(new Names().convert(text).toUpperCase(Locale.ROOT));
        }

        private static final class Names extends NamedValues<String> {
            Names() {
                super(List.of("f32", "f16", "bf16"));
            }
        }
    }
}
