package dev.fovea.tools.mechanisms;

import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Mechanisms;
import dev.fovea.tools.Console;
import dev.fovea.tools.DeviceCommand;
import dev.fovea.tools.Json;
import dev.fovea.tools.OpenBackends;
import dev.fovea.tools.Progress;
import dev.fovea.tools.UsageException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code fovea mechanisms}: the attention mechanisms of the literature. */
@Command(
        name = "mechanisms",
        sortOptions = false,
        header = "List the attention mechanisms of the literature; show one, or run it on NumPy files.",
        customSynopsis = {
            "fovea mechanisms [--check] [--device ID] [--json]",
            "       fovea mechanisms show ID [--json]",
            "       fovea mechanisms run ID --example",
            "       fovea mechanisms run ID --in NAME=FILE... [OPTIONS]"
        },
        description = {
            "%nWithout a command, lists them all: id, family, whether all of the paper's mechanism is there (whole) or a step is"
                    + " missing (partly, and which), and the devices of this machine.%n"
        },
        optionListHeading = "Options of the list:%n",
        commandListHeading = "%nCommands:%n",
        subcommands = {ShowCommand.class, RunCommand.class},
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:a mechanism failed its check", "2:wrong usage"},
        footerHeading = "%nExamples:%n",
        footer = {
            "  fovea mechanisms --check --device cpu",
            "  fovea mechanisms show flashbias",
            "  fovea mechanisms run flashbias --example",
            "fovea conformance --filter mechanisms tries all examples of all of them on every device."
        })
public final class MechanismsCommand extends DeviceCommand {
    @Parameters(hidden = true)
    private List<String> rest = new ArrayList<>();

    @Option(
            names = "--check",
            description = {
                "Run the first example of each on each device, compare it with the mechanism's formula in float64, and list the"
                        + " devices where it agrees. Without, the devices found are listed untried."
            })
    private boolean check;

    @Option(
            names = "--device",
            paramLabel = "ID",
            description = "A device to list, repeatable; opencl means the best of OpenCL. Default: every device found.")
    private List<String> devices = new ArrayList<>();

    @Option(names = "--json", description = "Print one JSON object instead of text.")
    private boolean json;

    @Override
    public Integer call() {
        if (!rest.isEmpty()) {
            throw new UsageException("'" + rest.getFirst()
                    + "' is no command of fovea mechanisms; expected show ID, run ID" + " or nothing");
        }
        Console console = console();
        List<Mechanism> all = Mechanisms.all();
        try (OpenBackends backends = backends()) {
            Trials trials = trials(all, backends, console);
            if (json) {
                console.out().println(Json.pretty(j -> json(j, all, trials)));
            } else {
                text(all, trials).forEach(console.out()::println);
            }
            return trials.failed() ? ExitCode.SOFTWARE : ExitCode.OK;
        }
    }

    private Trials trials(List<Mechanism> all, OpenBackends backends, Console console) {
        List<String> ids = devices(backends);
        if (!check) {
            return Trials.none(ids);
        }
        try (Progress progress = console.progress()) {
            return Trials.run(all, ids, backends, progress);
        }
    }

    private List<String> devices(OpenBackends backends) {
        if (devices.isEmpty()) {
            return backends.available();
        }
        Set<String> ids = new LinkedHashSet<>();
        devices.forEach(d -> ids.add(backends.select(d)));
        return List.copyOf(ids);
    }

    private List<String> text(List<Mechanism> all, Trials trials) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of("id", "family", "status", "devices", "title"));
        for (Mechanism m : all) {
            Declaration d = m.declaration();
            rows.add(List.of(
                    d.id(),
                    d.family(),
                    DeclarationText.status(d),
                    String.join(", ", trials.shortNames(d.id())),
                    d.title()));
        }
        List<String> lines = new ArrayList<>(TextColumns.lines(rows));
        lines.add("");
        long whole =
                all.stream().filter(m -> m.declaration().missing().isEmpty()).count();
        lines.add(all.size() + (all.size() == 1 ? " mechanism, " : " mechanisms, ") + whole + " whole");
        all.stream()
                .map(Mechanism::declaration)
                .filter(d -> !d.missing().isEmpty())
                .forEach(d -> lines.addAll(TextColumns.table("", List.of(List.of(d.id() + " misses:", d.missing())))));
        lines.addAll(trials.footer());
        lines.add("fovea mechanisms show ID explains one, fovea mechanisms run ID --example runs it");
        return lines;
    }

    private void json(Json json, List<Mechanism> all, Trials trials) throws IOException {
        json.field("checked", check).strings("devices", trials.devices()).objects("mechanisms", all, (j, m) -> {
            String id = m.declaration().id();
            DeclarationText.brief(j, m.declaration())
                    .strings("devices", trials.devices(id))
                    .objects(
                            "problems",
                            trials.problems(id),
                            (k, p) -> k.field("device", p.device())
                                    .field("refused", p.refused())
                                    .field("reason", p.reason()));
        });
    }
}
