package dev.fovea.tools.tuning;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.DType;
import dev.fovea.api.spi.DeviceReport;
import dev.fovea.api.spi.Tunable;
import dev.fovea.tools.Cli;
import dev.fovea.tools.Console;
import dev.fovea.tools.Progress;
import dev.fovea.tools.bench.BenchShape;
import dev.fovea.tools.bench.gpu.TuningCases;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TuneTest {
    @TempDir
    private Path folder;

    private record Tuned(int code, String out, String err) {}

    /** Tunes the double for one shape. */
    private static Tuned tuned(TunableDouble device, Path file) throws IOException {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        Console console = new Console(new PrintWriter(out), new PrintWriter(err), false);
        try (Backend backend = Backends.on(device);
                TuningCases cases = TuningCases.of(
                        backend, List.of(new BenchShape(1, 2, 2, 64, 64, 32)), List.of(DType.F32), false, true)) {
            List<Group> groups = Group.of(device, cases.cases(), null);
            int code = new TuneRun(backend.info(), device, console, true).all(groups, 2, file, List.of());
            return new Tuned(code, out.toString(), err.toString());
        }
    }

    private static JsonArray entries(Path file) throws IOException {
        JsonObject json = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
        assertThat(json.get("format").getAsInt()).isEqualTo(1);
        return json.getAsJsonArray("entries");
    }

    @Test
    void theFastestThatIsRightWins() throws IOException {
        Path file = folder.resolve("t.json");
        Tuned tuned = tuned(new TunableDouble(4, false), file);
        assertThat(tuned.code()).as("a point was wrong").isEqualTo(1);
        assertThat(tuned.err())
                .contains("WRONG, discarded: double at runs=1 wrong=1")
                .contains("not built: double at runs=2");
        assertThat(tuned.out()).contains("3 points tried, 1 not built, 1 WRONG").contains("at runs=1, was");
        assertThat(entries(file)).hasSize(1);
        JsonObject entry = entries(file).get(0).getAsJsonObject();
        assertThat(entry.get("layer").getAsString()).isEqualTo("device");
        assertThat(entry.get("name").getAsString()).isEqualTo("double");
        assertThat(entry.get("family").getAsString()).isEqualTo("double");
        assertThat(entry.getAsJsonObject("point").toString()).isEqualTo("{\"runs\":1}");
        JsonObject measured = entry.getAsJsonObject("measured");
        assertThat(measured.get("speed").getAsDouble()).isGreaterThan(1.5);
        assertThat(measured.get("wrong").getAsInt()).isEqualTo(1);
        assertThat(measured.get("errorShare").getAsDouble()).isBetween(0.0, 1.0);
        assertThat(measured.get("date").getAsString()).startsWith("20");
    }

    @Test
    void whatIsKeptIsWrittenOnlyIfATableSaidIt() throws IOException {
        Path file = folder.resolve("t.json");
        assertThat(tuned(new TunableDouble(1, false), file).out())
                .contains("kept: ")
                .contains("nothing to write");
        assertThat(entries(file)).isEmpty();
        assertThat(tuned(new TunableDouble(1, true), file).out())
                .contains("kept: ")
                .contains("has 1 entry");
        assertThat(entries(file)).hasSize(1);
        tuned(new TunableDouble(1, true), file);
        assertThat(entries(file)).as("one entry a bucket").hasSize(1);
        assertThat(tuned(new TunableDouble(1, false), file).out()).contains("nothing to write");
    }

    @Test
    void otherEntriesStay() throws IOException {
        Path file = folder.resolve("t.json");
        String other =
                "{\"layer\":\"device\",\"name\":\"double\",\"family\":\"double\",\"bucket\":\"other\",\"point\":{}}";
        Files.writeString(file, "{\"format\": 1, \"entries\": [" + other + "]}");
        tuned(new TunableDouble(4, false), file);
        assertThat(entries(file)).hasSize(2);
        assertThat(entries(file).get(0).toString()).isEqualTo(other);
    }

    @Test
    void wrongUse() throws IOException {
        Path ours = Files.writeString(folder.resolve("notes.txt"), "mine");
        for (String args : List.of(
                "--seconds 0",
                "--case nothing-like-it",
                "--shape 1x2",
                "--shape 1x2x8/16x32 --causal",
                "--causal",
                "--dtype f16",
                "--shape 1x2x8x32 --case x",
                "--shape 1x2x8x32 --dtype f64")) {
            Cli cli = Cli.run(("tune --device cpu " + args).split(" "));
            assertThat(cli.code()).as(args + ": " + cli.err()).isIn(1, 2);
            assertThat(cli.err().lines()).as(args).hasSize(1);
        }
        assertThat(Cli.run("tune", "--device", "cpu").err()).contains("cpu has nothing to tune");
        assertThat(Files.readString(ours)).isEqualTo("mine");
    }

    @Test
    void aFileOfSomebodyElseIsNotTouched() throws IOException {
        for (String text : List.of("mine", "{}", "[1]", "{\"format\": 2, \"entries\": []}", "{\"format\": 1}")) {
            Path file = Files.writeString(folder.resolve("notes.txt"), text);
            try {
                tuned(new TunableDouble(1, false), file);
                throw new AssertionError("was taken: " + text);
            } catch (dev.fovea.tools.UsageException e) {
                assertThat(e).hasMessageContaining("no file of fovea tune");
            }
            assertThat(Files.readString(file)).isEqualTo(text);
        }
    }

    @Test
    void sharesOfTheBuildingAreWhole() throws IOException {
        TunableDouble device = new TunableDouble(4, false);
        try (Backend backend = Backends.on(device);
                TuningCases cases = TuningCases.of(
                        backend, List.of(new BenchShape(1, 2, 2, 64, 64, 32)), List.of(DType.F32), false, false)) {
            List<Group> groups = Group.of(device, cases.cases(), null);
            StringWriter out = new StringWriter();
            for (String share : List.of("0/3/0/1/9", "1/3/0/1/9", "2/3/0/1/9", "0/1/0/1/1")) {
                BuildAhead.parse(share).build(device, groups, new PrintWriter(out));
            }
            assertThat(out.toString())
                    .as("what it cannot build")
                    .startsWith("0 1 ")
                    .hasLineCount(1);
        }
        assertThat(device.prepared())
                .containsExactlyInAnyOrder("runs=4", "runs=2", "runs=1 wrong=1", "runs=1", "runs=4");
    }

    private static void assumePocl() {
        Assumptions.assumeTrue(
                Backends.report().stream()
                        .anyMatch(r -> r instanceof DeviceReport.Available && r.id().startsWith("opencl/pocl")),
                "PoCL is not here");
    }

    /** Processes of their own, as on a card. */
    @Test
    void processesBuildAhead() throws IOException {
        assumePocl();
        List<String> arguments = List.of("tune", "--device", "opencl/pocl-cpu", "--case", "^decode-f32$");
        try (Backend backend = Backends.open("opencl/pocl-cpu");
                TuningCases cases = TuningCases.usual(backend, Pattern.compile("^decode-f32$"), false)) {
            List<Group> groups = Group.of(backend.capability(Tunable.class).orElseThrow(), cases.cases(), null);
            BuildAhead all = new BuildAhead(0, 2, 0, 1, 1);
            try (Progress progress = new Progress(new PrintWriter(new StringWriter()), false)) {
                BuildAhead.Built built = BuildAhead.run(all, arguments, 120, groups, progress);
                assertThat(built.failed()).isZero();
                assertThat(built.refused(0)).isEmpty();
                assertThat(BuildAhead.run(all, List.of("no-such-command"), 120, groups, progress)
                                .failed())
                        .isEqualTo(2);
            }
        }
    }

    /** The whole way on a real device: what is found is what the next run uses. */
    @Test
    void onOpenCl() {
        assumePocl();
        Path file = folder.resolve("t.json");
        String[] args = ("tune --device opencl/pocl-cpu --case ^decode-f32$ --seconds 3 --out " + file).split(" ");
        Cli cli = Cli.run(args);
        assertThat(cli.code()).as(cli.err()).isZero();
        assertThat(cli.out())
                .contains("decode, f32 128x128 all full (decode-f32): ")
                .contains(" points tried");
        System.setProperty("fovea.tuning", file.toString());
        try {
            Cli dry = Cli.run("tune --device opencl/pocl-cpu --case ^decode-f32$ --dry-run".split(" "));
            assertThat(dry.code()).as(dry.err()).isZero();
            assertThat(dry.out()).contains("tables in force: " + file);
            assertThat(Cli.run("probe").out()).contains("tuning: " + file);
        } finally {
            System.clearProperty("fovea.tuning");
        }
    }
}
