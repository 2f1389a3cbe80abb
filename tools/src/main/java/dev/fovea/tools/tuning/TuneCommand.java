package dev.fovea.tools.tuning;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.Tunable;
import dev.fovea.tools.Console;
import dev.fovea.tools.DeviceCommand;
import dev.fovea.tools.OpenBackends;
import dev.fovea.tools.StorageType;
import dev.fovea.tools.UsageException;
import dev.fovea.tools.bench.BenchShape;
import dev.fovea.tools.bench.gpu.TuningCases;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Option;

/** {@code fovea tune}: measures which parameters of the kernels suit a device. */
@Command(
        name = "tune",
        sortOptions = false,
        header = "Find the kernel parameters that suit a device, and keep them in a file.",
        description = {
            "%nFor each case it builds the kernel in several shapes, discards those whose results do not agree with float64, times the"
                    + " others in turn with what is in force now, and writes what is clearly faster to a JSON file. A case stands"
                    + " for its bucket: type, head dims, classes of lengths, kind of mask.",
            "%nNothing uses the file until it is named: FOVEA_TUNING=tuning.json fovea ..., or in a Java program"
                    + " -Dfovea.tuning=tuning.json. It may be shared: entries hold for devices of the same name. Without one the"
                    + " built-in table and the kernels' defaults hold; fovea probe says which. The same table gives the same bits.",
            "%nRun it on an otherwise idle device. It can be ended at any time (Ctrl-C): what was found by then is in the file.%n"
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done, whether or not something faster was found",
            "1:a point computed wrongly, what is in force cannot run, or the device cannot be tuned",
            "2:wrong usage"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fovea tune",
            "  fovea tune --dry-run",
            "  fovea tune --shape 1x32/8x4096x128 --dtype bf16 --causal",
            "  fovea tune --case 1k --seconds 120 --out laptop.json",
            "  FOVEA_TUNING=tuning.json fovea bench"
        })
public final class TuneCommand extends DeviceCommand {
    @Option(
            names = "--device",
            paramLabel = "ID",
            description = "The device to tune. Default: what FOVEA_DEVICE names, else the best ranked.")
    private @Nullable String device;

    @Option(
            names = "--family",
            paramLabel = "NAME",
            description =
                    "The kernel to tune: decode, hopper, mma or attention. Default: the one that each case runs on.")
    private @Nullable String family;

    @Option(
            names = "--case",
            paramLabel = "PATTERN",
            description = "Of the usual cases those whose name this regular expression finds. Default: all.")
    private @Nullable Pattern only;

    @Option(
            names = "--shape",
            paramLabel = "BxHxSxD",
            converter = BenchShape.Converter.class,
            description = {
                "Instead of the usual cases: batch, heads, positions, head dim; repeatable. H/K gives the keys K heads, S/N gives"
                        + " them N positions: 1x32/8x1/4096x128 is one step of decoding."
            })
    private List<BenchShape> shapes = new ArrayList<>();

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            converter = StorageType.Names.class,
            description = "Storage type of the shapes, f32, f16 or bf16; repeatable. Default: f32.")
    private List<StorageType> types = new ArrayList<>();

    @Option(names = "--causal", description = "Of the shapes: a query sees the keys up to its own position.")
    private boolean causal;

    @Option(
            names = "--seconds",
            paramLabel = "S",
            defaultValue = "300",
            description = "Time for all of it; what it does not suffice for is left out. Default: ${DEFAULT-VALUE}.")
    private double seconds;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            defaultValue = "tuning.json",
            description = "The file to write. Entries for other devices, kernels and buckets that it has stay."
                    + " Default: ${DEFAULT-VALUE}.")
    private Path out = Path.of("tuning.json");

    @Option(
            names = "--dry-run",
            description = "Show what would be tuned, with the number of points, and measure nothing.")
    private boolean dryRun;

    @Option(names = "--build", hidden = true, description = "Build a share of the points, for another process.")
    private @Nullable String build;

    @Override
    public Integer call() throws IOException {
        if (!(seconds > 0 && seconds <= 1e6)) {
            throw new UsageException("--seconds: expected more than 0 and at most 1000000, got " + seconds);
        }
        if (shapes.isEmpty() ? causal || !types.isEmpty() : only != null) {
            throw new UsageException("--dtype and --causal are for --shape, which goes without --case");
        }
        Console console = console();
        try (OpenBackends backends = backends()) {
            Backend backend = backends.get(device);
            Tunable tunable = backend.capability(Tunable.class).orElse(null);
            if (tunable == null) {
                console.note(
                        "fovea tune: " + backend.info().id()
                                + " has nothing to tune, its kernels are fixed; give another --device (fovea probe lists them)");
                return ExitCode.SOFTWARE;
            }
            try (TuningCases cases = cases(backend)) {
                List<Group> groups = Group.of(tunable, cases.cases(), family);
                if (dryRun) {
                    dryRun(console, backend.info(), tunable, groups);
                    return ExitCode.OK;
                }
                if (build != null) {
                    BuildAhead.parse(build).build(tunable, groups, console.out());
                    return ExitCode.OK;
                }
                TuneRun run = new TuneRun(backend.info(), tunable, console, isVerbose());
                return run.all(
                        groups,
                        seconds,
                        out,
                        spec().commandLine().getParseResult().originalArgs());
            }
        }
    }

    private TuningCases cases(Backend backend) {
        boolean filled = !dryRun && build == null;
        if (shapes.isEmpty()) {
            return TuningCases.usual(backend, only, filled);
        }
        List<DType> all = types.isEmpty()
                ? List.of(DType.F32)
                : types.stream().map(StorageType::dtype).toList();
        return TuningCases.of(backend, shapes, all, causal, filled);
    }

    private static void dryRun(Console console, DeviceInfo device, Tunable tunable, List<Group> groups) {
        console.out().println(device.id() + ": " + device.name() + ", driver " + device.driver());
        console.out().println("tables in force: " + tunable.tuning());
        for (Group g : groups) {
            console.out()
                    .println(g.family() + ", " + g.bucket() + " (" + g.caseNames() + "): "
                            + g.points().size() + " points, now " + g.inForce() + " (" + g.origin() + ")");
        }
        console.out().flush();
    }
}
