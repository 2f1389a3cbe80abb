package dev.fovea.tools.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.fovea.api.DType;
import dev.fovea.tools.Cli;
import dev.fovea.tools.Environment;
import dev.fovea.tools.bench.ForkResult.Timing;
import dev.fovea.tools.bench.Goal.Measure;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xml.sax.InputSource;

class CpuBenchTest {
    @TempDir
    private Path folder;

    private static final CpuCase PREFILL = new CpuCase(
            new BenchCase(BenchShape.parse("1x2x100x10"), DType.F32, false, -1, -1),
            0,
            true,
            false,
            List.of(
                    new Goal(Measure.OVER_ONNX, 1.05, 1.1),
                    new Goal(Measure.OF_PEAK, 0.82),
                    new Goal(Measure.OVER_ONE_THREAD, 1.85)));

    private static ForkResult fork(double millis, double onnx, double torch) {
        return new ForkResult(
                5,
                300,
                List.of(
                        new Timing("fovea", "cpu", millis, millis, 1, 0.1),
                        new Timing("ort-mha", "1.29", millis * onnx, millis, onnx, 0.1),
                        new Timing("torch", "2.7", millis * torch, millis, torch, 0.1)),
                1e11,
                0.8,
                0,
                0,
                7);
    }

    @Test
    void aCaseRunsInAProcessOfItsOwn() throws Exception {
        Path out = folder.resolve("cpu.jsonl");
        Path chart = folder.resolve("cpu.svg");
        Cli done = Cli.run(("bench --suite cpu --case 1x8x16x64 --forks 2 --threads 1,2 --time 0.01 --out " + out
                        + " --chart " + chart)
                .split(" "));
        assertThat(done.code()).as(done.err()).isZero();
        assertThat(done.out().lines().toList()).hasSize(3); // header, case, goal; two threads are of no use to it
        JsonObject line = JsonParser.parseString(Files.readString(out)).getAsJsonObject();
        assertThat(line.get("forks").getAsInt()).isEqualTo(2);
        assertThat(line.get("medianMs").getAsDouble()).isPositive();
        assertThat(line.get("firstCallMs").getAsDouble())
                .isGreaterThan(line.get("medianMs").getAsDouble());
        assertThat(line.get("fmaPeakGflops").getAsDouble()).isPositive();
        assertThat(line.get("checkedErrorShare").getAsDouble()).isBetween(0.0, 1.0);
        assertThat(line.getAsJsonArray("goals")).hasSize(1);
        var document = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(Files.readString(chart))));
        assertThat(document.getElementsByTagName("rect").getLength()).isEqualTo(2);
    }

    @Test
    void namesOfCasesDiffer() {
        List<String> names = CpuSuite.cases().stream().map(CpuCase::name).toList();
        assertThat(new HashSet<>(names)).hasSameSizeAs(names).hasSizeGreaterThan(8);
    }

    @Test
    void mediansOverForksAndGoalsOfOneAndTwoThreads() {
        CpuResult one =
                new CpuResult(PREFILL, 1, List.of(fork(2, 1.2, 0.5), fork(4, 1.07, 0.5), fork(3, 1.0, 0.5)), null);
        assertThat(one.ours().medianMillis()).isEqualTo(3);
        assertThat(one.goals().stream().map(CpuResult.Reached::value)).containsExactly(1.07, 0.8);
        assertThat(one.goals().stream().map(g -> g.goal().met(g.value()))).containsExactly(true, false);
        assertThat(one.goals().getFirst().goal().line(1.07))
                .contains("≥ 1.05", "met")
                .doesNotContain("too");
        assertThat(one.rate(one.ours().medianMillis())).isEqualTo(4 * 100 * 100 * 10 * 2 / 3e6);
        CpuResult two = new CpuResult(PREFILL, 2, List.of(fork(1.5, 1, 1)), one);
        assertThat(two.goals().stream().map(CpuResult.Reached::value)).containsExactly(2.0);
        String json = two.json(Environment.current());
        assertThat(JsonParser.parseString(json).getAsJsonObject().getAsJsonArray("peers"))
                .hasSize(2);
        assertThat(CpuChart.svg(List.of(one, two), Environment.current())).contains("2 threads", "torch", "GFLOP/s");
    }

    @Test
    void aForksResultPassesAsText() {
        ForkResult result = fork(2, 1.2, 0.5);
        assertThat(ForkResult.parse(result.json())).isEqualTo(result);
    }

    @Test
    void withoutPeersOneSentence() {
        Cli done = Cli.run("bench --suite cpu --peers".split(" "));
        assertThat(done.code()).isEqualTo(1);
        assertThat(done.out()).isEmpty();
        assertThat(done.err()).containsOnlyOnce("\n").contains("./fovea bench --peers");
    }

    @Test
    void wrongUse() {
        for (String args : List.of(
                "--suite moon",
                "--suite options --peers",
                "--chart x.svg",
                "--suite cpu --case moon",
                "--suite cpu --causal",
                "--suite cpu --forks 0",
                "--suite cpu --threads 0")) {
            Cli done = Cli.run(("bench " + args).split(" "));
            assertThat(done.code()).as(args + ": " + done.err()).isEqualTo(2);
        }
    }
}
