package dev.fovea.tools.agreement;

import dev.fovea.api.Backend;
import dev.fovea.api.spi.BuildCount;
import dev.fovea.conformance.AttentionCase;
import dev.fovea.conformance.Laws;
import dev.fovea.conformance.Suites;
import dev.fovea.tools.Console;
import dev.fovea.tools.DeviceCommand;
import dev.fovea.tools.Environment;
import dev.fovea.tools.FailureText;
import dev.fovea.tools.Json;
import dev.fovea.tools.OpenBackends;
import dev.fovea.tools.Progress;
import dev.fovea.tools.UsageException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Option;

/** {@code fovea conformance}: the agreement suite on every device. */
@Command(
        name = "conformance",
        sortOptions = false,
        header = "Hold every device to the float64 reference.",
        description = {
            "%nRuns attention cases (every option with every other, edge lengths and head dims, NaN in hidden places, random"
                    + " ones), laws that need no reference, and every mechanism against its oracle on each device, and prints how many pass / fail / are skipped"
                    + " because the device says that it does not do them, the largest error, and the largest share of the"
                    + " allowed error that a case uses. A failure is also printed on stderr when it happens, in one line with the command"
                    + " that runs it again.%n"
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:nothing failed", "1:a case failed, or a device did", "2:wrong usage"},
        footerHeading = "%nExamples:%n",
        footer = {
            "  fovea conformance --quick",
            "  fovea conformance --device cpu --filter causal",
            "  fovea conformance --small --filter mechanisms",
            "  fovea conformance --case \"hq=4 hk=2 sq=5 sk=70 causal seed=3\""
        })
public final class ConformanceCommand extends DeviceCommand {
    private static final int SHOWN_FAILURES = 20;

    @Option(
            names = "--device",
            paramLabel = "ID",
            description = "A device to test, repeatable; opencl means the best of OpenCL. Default: every device found.")
    private List<String> devices = new ArrayList<>();

    @Option(names = "--quick", description = "A suite of a few minutes on two cores. Default: the full one.")
    private boolean quick;

    @Option(names = "--small", description = "A suite of short sequences, for simulators.")
    private boolean small;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "1",
            description = "Choice of the combinations and of the random cases. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(
            names = "--filter",
            paramLabel = "TEXT",
            description =
                    "Only the cases and laws whose group or text holds this: window, or mechanisms for those alone.")
    private String filter = "";

    @Option(
            names = "--every",
            paramLabel = "N",
            defaultValue = "1",
            description = "Only every N-th of those cases and laws, for a device that builds kernels slowly.")
    private int every;

    @Option(
            names = "--from",
            paramLabel = "K",
            defaultValue = "1",
            description =
                    "Begin with the K-th of them: --every N with each K from 1 to N, in a process each, is all of them.")
    private int from;

    @Option(
            names = "--case",
            paramLabel = "CASE",
            description = "Run this case alone, as a failure prints it; repeatable.")
    private List<String> cases = new ArrayList<>();

    @Option(names = "--json", description = "Print one JSON object instead of text.")
    private boolean json;

    @Override
    public Integer call() {
        if (quick && small) {
            throw new UsageException("--quick and --small exclude each other");
        }
        if (every < 1) {
            throw new UsageException("--every must be at least 1, got " + every);
        }
        if (from < 1) {
            throw new UsageException("--from must be at least 1, got " + from);
        }
        List<Suites.Entry> allEntries = AgreementRun.filtered(suite(), filter);
        List<Laws.Law> allLaws =
                cases.isEmpty() ? AgreementRun.filteredLaws(small ? Laws.small() : Laws.all(), filter) : List.of();
        if (allEntries.isEmpty() && allLaws.isEmpty()) {
            throw new UsageException("--filter: no case or law holds '" + filter + "'");
        }
        List<Suites.Entry> entries = AgreementRun.every(every, from, allEntries);
        List<Laws.Law> laws = AgreementRun.every(every, from, allLaws);
        if (entries.isEmpty() && laws.isEmpty()) {
            throw new UsageException("--from: there is no case or law number " + from);
        }
        Console console = console();
        try (OpenBackends backends = backends()) {
            Map<String, String> broken = new LinkedHashMap<>();
            List<Backend> open = open(backends, broken);
            List<String> ids = open.stream().map(b -> b.info().id()).toList();
            long start = System.nanoTime();
            Findings findings;
            try (Progress progress = console.progress()) {
                findings = new Findings(ids, progress::note);
                new AgreementRun(open, progress).run(entries, laws, findings::add);
            }
            findings.skippedWhole().forEach(id -> broken.put(id, "it skipped every case"));
            List<Verdict> bad = findings.failures();
            double seconds = (System.nanoTime() - start) / 1e9;
            Map<String, Long> builds = new LinkedHashMap<>();
            open.forEach(b -> b.capability(BuildCount.class)
                    .ifPresent(count -> builds.put(b.info().id(), count.kernelBuilds())));
            if (json) {
                console.out().println(Json.pretty(j -> json(j, ids, findings, broken, builds, seconds)));
            } else {
                text(findings, broken, builds, seconds).forEach(console.out()::println);
            }
            return bad.isEmpty() && broken.isEmpty() ? ExitCode.OK : ExitCode.SOFTWARE;
        }
    }

    private List<Suites.Entry> suite() {
        if (!cases.isEmpty()) {
            return cases.stream().map(ConformanceCommand::single).toList();
        }
        return quick ? Suites.quick(seed) : small ? Suites.small(seed) : Suites.full(seed);
    }

    private static Suites.Entry single(String text) {
        try {
            return new Suites.Entry("case", AttentionCase.parse(text));
        } catch (IllegalArgumentException e) {
            throw new UsageException("--case: '" + text + "' is no case: " + e.getMessage());
        }
    }

    private List<Backend> open(OpenBackends backends, Map<String, String> broken) {
        LinkedHashSet<String> ids = new LinkedHashSet<>();
        if (devices.isEmpty()) {
            ids.addAll(backends.available());
            if (ids.isEmpty()) {
                ids.add(backends.select(null)); // throws the sentence that says why there is none
            }
        } else {
            devices.forEach(d -> ids.add(backends.select(d)));
        }
        List<Backend> open = new ArrayList<>();
        for (String id : ids) {
            try {
                open.add(backends.get(id));
            } catch (RuntimeException e) {
                broken.put(id, FailureText.of(e).sentence());
            }
        }
        return open;
    }

    private List<String> text(Findings findings, Map<String, String> broken, Map<String, Long> builds, double seconds) {
        List<Verdict> bad = findings.failures();
        List<String> lines = new ArrayList<>();
        lines.add("pass / fail / skip, largest error (share of the allowed error that a case uses at most)");
        lines.add("");
        lines.addAll(findings.matrix().lines());
        findings.skips().forEach((reason, count) -> lines.add("skipped " + count + " on " + reason));
        broken.forEach((device, why) -> lines.add("not tested: " + device + ": " + why));
        for (Verdict v : bad.subList(0, Math.min(bad.size(), SHOWN_FAILURES))) {
            lines.add("");
            lines.add("FAILED on " + v.device() + ", " + v.group() + ": " + v.detail());
            lines.add("  " + v.reproduce());
        }
        if (bad.size() > SHOWN_FAILURES) {
            lines.add("");
            lines.add("and " + (bad.size() - SHOWN_FAILURES) + " more failures; --json lists them all");
        }
        lines.add("");
        builds.forEach((device, count) ->
                lines.add("kernels built from source on " + device + ": " + count + " (a cache's do not count)"));
        lines.add(String.format(
                Locale.ROOT,
                "%s in %.0f s (seed %d)",
                bad.isEmpty() && broken.isEmpty() ? "all passed" : bad.size() + broken.size() + " failed",
                seconds,
                seed));
        return lines;
    }

    private void json(
            Json json,
            List<String> ids,
            Findings findings,
            Map<String, String> broken,
            Map<String, Long> builds,
            double seconds)
            throws IOException {
        json.field("passed", findings.failures().isEmpty() && broken.isEmpty())
                .field("seed", seed)
                .field("seconds", seconds)
                .strings("devices", ids)
                .objects(
                        "groups",
                        findings.matrix().cells().entrySet(),
                        (j, group) -> j.field("group", group.getKey())
                                .objects(
                                        "devices",
                                        group.getValue().entrySet(),
                                        (k, cell) -> k.field("device", cell.getKey())
                                                .field("pass", cell.getValue().passed())
                                                .field("fail", cell.getValue().failed())
                                                .field("skip", cell.getValue().skipped())
                                                .field(
                                                        "worstError",
                                                        cell.getValue().worstError())
                                                .field(
                                                        "worstLoad",
                                                        cell.getValue().worstLoad())))
                .objects(
                        "failures",
                        findings.failures(),
                        (j, v) -> j.field("device", v.device())
                                .field("group", v.group())
                                .field("case", v.what())
                                .field("detail", v.detail())
                                .field("reproduce", v.reproduce()))
                .objects(
                        "skips",
                        findings.skips().entrySet(),
                        (j, s) -> j.field("reason", s.getKey()).field("cases", s.getValue()))
                .objects(
                        "broken",
                        broken.entrySet(),
                        (j, b) -> j.field("device", b.getKey()).field("reason", b.getValue()))
                .objects(
                        "kernelBuilds",
                        builds.entrySet(),
                        (j, b) -> j.field("device", b.getKey()).field("builds", b.getValue()))
                .object("environment", Environment.current()::write);
    }
}
