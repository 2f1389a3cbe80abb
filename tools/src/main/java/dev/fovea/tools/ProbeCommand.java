package dev.fovea.tools;

import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.Bytes;
import dev.fovea.api.FoveaException.DeviceNotFound;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.DeviceReport;
import dev.fovea.api.spi.EngineReport;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Option;

/** {@code fovea probe}: what there is to run on, and why something is not. */
@Command(
        name = "probe",
        sortOptions = false,
        header = "Show every device, which one would be used, and why others cannot be.",
        description = {
            "%nDevices come best rank first; the first line of each is its id, which --device and FOVEA_DEVICE take. A device"
                    + " of negative rank is used only when it is asked for.%n"
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:there is a device to use", "1:there is none", "2:wrong usage"})
final class ProbeCommand extends CliCommand {
    @Option(names = "--json", description = "Print one JSON object instead of text.")
    private boolean json;

    @Option(
            names = "--verbose",
            description = "Open each device and try its matrix unit, which may take seconds and the kernels of a test.")
    private boolean verbose;

    /** The device that would be used, or why none would be. */
    private record Choice(@Nullable String id, String why) {}

    @Override
    public Integer call() {
        Console console = console();
        List<DeviceReport> reports =
                verbose ? Backends.report().stream().map(ProbeCommand::tested).toList() : Backends.report();
        Choice choice = choice(reports, System.getenv(Backends.DEVICE_VARIABLE));
        if (json) {
            console.out().println(Json.pretty(j -> json(j, reports, choice)));
        } else {
            text(reports, choice).forEach(console.out()::println);
        }
        return choice.id() == null ? ExitCode.SOFTWARE : ExitCode.OK;
    }

    private static Choice choice(List<DeviceReport> reports, @Nullable String environment) {
        try {
            String id = Backends.select(reports, null, environment);
            boolean asked = environment != null && !environment.isBlank();
            return new Choice(
                    id, asked ? Backends.DEVICE_VARIABLE + " is " + environment : "the best rank of those found");
        } catch (DeviceNotFound e) {
            return new Choice(null, Objects.requireNonNullElse(e.getMessage(), "none"));
        }
    }

    /** The report with what came out of trying the matrix unit. */
    private static DeviceReport tested(DeviceReport report) {
        if (!(report instanceof DeviceReport.Available(DeviceInfo d))) {
            return report;
        }
        try (Backend backend = Backends.open(d.id())) {
            String engine = backend.capability(EngineReport.class)
                    .map(EngineReport::testedEngine)
                    .orElse(d.matrixEngine());
            return new DeviceReport.Available(d.withMatrixEngine(engine));
        }
    }

    private static List<String> text(List<DeviceReport> reports, Choice choice) {
        List<String> lines = new ArrayList<>();
        for (DeviceReport report : reports) {
            switch (report) {
                case DeviceReport.Available(DeviceInfo d) -> device(lines, d);
                case DeviceReport.Refused(String id, String reason, String remedy) ->
                    lines.add(id + ": refused: " + reason + "; " + remedy);
            }
            lines.add("");
        }
        lines.add(
                choice.id() == null
                        ? "no device: " + choice.why()
                        : "used: " + choice.id() + " (" + choice.why() + ")");
        return lines;
    }

    private static void device(List<String> lines, DeviceInfo d) {
        lines.add(d.id());
        row(lines, "name", d.name() + ", " + kind(d.kind()));
        row(lines, "platform", d.platform());
        row(lines, "driver", d.driver());
        row(
                lines,
                "memory",
                Bytes.text(d.memoryBytes()) + ", at most " + Bytes.text(d.maxAllocationBytes()) + " in one piece");
        if (d.localMemoryBytes() > 0) {
            row(lines, "local memory", Bytes.text(d.localMemoryBytes()));
            row(lines, "work-group", "up to " + d.maxWorkGroup());
        }
        row(
                lines,
                d.kind() == DeviceInfo.Kind.CPU ? "threads" : "compute units",
                d.computeUnits() + (d.vectorBits() > 0 ? ", vectors of " + d.vectorBits() + " bits" : ""));
        row(
                lines,
                "features",
                "f16 arithmetic " + yes(d.halfArithmetic()) + ", subgroups " + yes(d.subgroups())
                        + ", 8-bit dot product " + yes(d.integerDot()));
        row(lines, "matrix engine", d.matrixEngine());
        row(lines, "rank", d.rank() + (d.rank() < 0 ? ", only on request" : ""));
        d.notes().forEach(n -> row(lines, "note", n));
    }

    private static void row(List<String> lines, String name, String value) {
        lines.add(String.format(Locale.ROOT, "  %-14s %s", name, value));
    }

    private static String yes(boolean b) {
        return b ? "yes" : "no";
    }

    private static String kind(DeviceInfo.Kind kind) {
        return switch (kind) {
            case GPU -> "a GPU";
            case ACCELERATOR -> "an accelerator";
            case CPU -> "a CPU";
            case OPENCL_CPU -> "a CPU through OpenCL";
        };
    }

    private static void json(Json json, List<DeviceReport> reports, Choice choice) throws IOException {
        if (choice.id() != null) {
            json.field("used", choice.id());
        }
        json.field("why", choice.why());
        json.objects(
                "devices",
                reports.stream()
                        .filter(DeviceReport.Available.class::isInstance)
                        .map(DeviceReport.Available.class::cast)
                        .map(DeviceReport.Available::info)
                        .toList(),
                ProbeCommand::json);
        json.objects(
                "refused",
                reports.stream()
                        .filter(DeviceReport.Refused.class::isInstance)
                        .map(DeviceReport.Refused.class::cast)
                        .toList(),
                (j, r) -> j.field("id", r.id()).field("reason", r.reason()).field("remedy", r.remedy()));
    }

    private static void json(Json json, DeviceInfo d) throws IOException {
        json.field("id", d.id())
                .field("kind", d.kind().name().toLowerCase(Locale.ROOT))
                .field("name", d.name())
                .field("platform", d.platform())
                .field("driver", d.driver())
                .field("memoryBytes", d.memoryBytes())
                .field("maxAllocationBytes", d.maxAllocationBytes())
                .field("localMemoryBytes", d.localMemoryBytes())
                .field("maxWorkGroup", d.maxWorkGroup())
                .field("computeUnits", d.computeUnits())
                .field("vectorBits", d.vectorBits())
                .field("fp16", d.halfArithmetic())
                .field("subgroups", d.subgroups())
                .field("integerDot", d.integerDot())
                .field("matrixEngine", d.matrixEngine())
                .field("rank", d.rank())
                .strings("notes", d.notes());
    }
}
