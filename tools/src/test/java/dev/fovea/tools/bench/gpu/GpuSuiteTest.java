package dev.fovea.tools.bench.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.DType;
import dev.fovea.tools.Cli;
import dev.fovea.tools.Console;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringReader;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class GpuSuiteTest {
    @Test
    void aTableAndJsonLines() {
        String cases = "bench --suite gpu --device cpu --shrink 512 --time 0.001 --only ";
        Cli table = Cli.run((cases + "^16k-64-causal").split(" "));
        assertThat(table.code()).as(table.err()).isZero();
        assertThat(table.out().lines()).hasSize(4);
        assertThat(table.out()).startsWith("cpu: ").contains("16k-64-causal-options    bf16  1x4/1x32x64 ");
        Cli json = Cli.run((cases + "f32-4k-128-full --json").split(" "));
        JsonObject line = JsonParser.parseString(json.out()).getAsJsonObject();
        assertThat(line.get("flops").getAsDouble()).isEqualTo(4.0 * 4 * 8 * 8 * 128);
        assertThat(line.get("maxError").getAsDouble()).isBetween(1e-9, 1e-5);
        assertThat(line.get("seconds").getAsDouble())
                .isGreaterThanOrEqualTo(line.get("minSeconds").getAsDouble());
        assertThat(line.get("plan").getAsString()).isNotEmpty();
    }

    @Test
    void wrongUse() {
        for (String args :
                List.of("--only x", "--suite gpu --only nothing-like-it", "--suite gpu --shrink 0", "--suite moon")) {
            assertThat(Cli.run(("bench --device cpu " + args).split(" ")).code())
                    .as(args)
                    .isEqualTo(2);
        }
    }

    /** All cases, so that each agrees with float64 on some device in every build. */
    @Test
    void everyCaseObeys() throws IOException {
        StringBuilder commands = new StringBuilder("list\n");
        List<GpuCase> cases = GpuCases.all();
        cases.forEach(c -> commands.append("run ").append(c.name()).append(" 1\n"));
        List<JsonObject> answers = paced(null, commands + "run moon 1\nrun copy\nquit\nlist\n");
        assertThat(answers).hasSize(cases.size() + 3);
        assertThat(names(answers.getFirst()))
                .isEqualTo(cases.stream().map(GpuCase::name).toList());
        for (JsonObject answer : answers.subList(1, cases.size() + 1)) {
            assertThat(answer.get("failed")).as(answer.toString()).isNull();
            assertThat(answer.getAsJsonArray("seconds")).hasSize(1);
            assertThat(answer.get("errorShare").getAsDouble()).isBetween(0.0, 1.0);
        }
        for (JsonObject answer : answers.subList(cases.size() + 1, cases.size() + 3)) {
            assertThat(answer.get("failed").getAsString()).isNotEmpty();
        }
    }

    private static List<String> names(JsonObject list) {
        return StreamSupport.stream(list.getAsJsonArray("cases").spliterator(), false)
                .map(c -> c.getAsJsonObject().get("case").getAsString())
                .toList();
    }

    private static List<JsonObject> paced(@Nullable Pattern only, String commands) throws IOException {
        StringWriter out = new StringWriter();
        Console console = new Console(new PrintWriter(out), new PrintWriter(new StringWriter()), false);
        try (Backend cpu = Backends.open("cpu");
                GpuSuite suite = new GpuSuite(cpu, only, 512);
                PacedSuite paced = new PacedSuite(suite, console)) {
            paced.obey(new BufferedReader(new StringReader(commands)));
        }
        return out.toString()
                .lines()
                .map(JsonParser::parseString)
                .map(JsonElement::getAsJsonObject)
                .toList();
    }

    @Test
    void rowsThatNoCallWroteAreSeen() {
        for (String name : List.of("1k-64-full-options", "f32-4k-64-causal", "copy")) {
            try (Backend cpu = Backends.open("cpu");
                    GpuSuite suite = new GpuSuite(cpu, Pattern.compile("^" + name + "$"), 512);
                    ReadyCase ready = suite.prepare(suite.cases().getFirst())) {
                assertThat(ready.check().right()).isTrue();
                ready.spoil();
                assertThat(ready.check().right()).as(name).isFalse();
            }
        }
    }

    /** The same numbers stand in the test of {@code tools/bench/normal_data.py}. */
    @Test
    void dataThatPeersMakeToo() {
        NormalData f32 = new NormalData(1, DType.F32);
        assertThat(new float[] {f32.at(0), f32.at(1), f32.at(7), f32.at(1_000_000_007)})
                .containsExactly(0.94113845f, 0.8257952f, -1.2542186f, 0.0456267f);
        assertThat(new NormalData(3, DType.BF16).at(5)).isEqualTo(-0.875f);
        double[] moments = new double[4];
        int n = 1 << 18;
        LongStream.range(0, n).forEach(i -> {
            double x = f32.at(i);
            moments[0] += x / n;
            moments[1] += x * x / n;
            moments[3] += x * x * x * x / n;
        });
        assertThat(Math.abs(moments[0])).isLessThan(0.01);
        assertThat(moments[1]).isBetween(0.99, 1.01);
        assertThat(moments[3]).isBetween(2.9, 3.1);
        try (Arena arena = Arena.ofShared()) {
            MemorySegment filled = f32.fill(arena, 100_001);
            assertThat(filled.getAtIndex(ValueLayout.JAVA_FLOAT, 100_000)).isEqualTo(f32.at(100_000));
            assertThat(filled.getAtIndex(ValueLayout.JAVA_FLOAT, 65_537)).isEqualTo(f32.at(65_537));
        }
    }
}
