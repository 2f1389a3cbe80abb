package dev.fovea.tools.mechanisms;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Mechanisms;
import dev.fovea.tools.Cli;
import dev.fovea.tools.npy.NpyFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MechanismsCommandTest {
    @TempDir
    private Path folder;

    private static Cli run(String line) {
        Cli done = Cli.run(("mechanisms " + line).strip().split("\\s+"));
        assertThat(done.err()).isEmpty();
        assertThat(done.code()).as(done.out()).isZero();
        return done;
    }

    private static JsonObject json(String line) {
        return JsonParser.parseString(run(line).out()).getAsJsonObject();
    }

    @Test
    void theListHasEveryMechanismOnALine() {
        List<String> lines = run("").out().lines().toList();
        assertThat(lines.getFirst().split("\\s+")).containsExactly("id", "family", "status", "devices", "title");
        List<Mechanism> all = Mechanisms.all();
        for (int i = 0; i < all.size(); i++) {
            assertThat(lines.get(i + 1))
                    .startsWith(all.get(i).declaration().id() + " ")
                    .contains(" cpu")
                    .endsWith(all.get(i).declaration().title());
        }
        assertThat(run("").out()).contains("untried", all.size() + " mechanisms, ");
    }

    @Test
    void theListAsJson() {
        JsonObject list = json("--json --device cpu");
        assertThat(list.get("checked").getAsBoolean()).isFalse();
        assertThat(list.getAsJsonArray("mechanisms").asList().stream()
                        .map(m -> m.getAsJsonObject().get("id").getAsString())
                        .toList())
                .isEqualTo(
                        Mechanisms.all().stream().map(m -> m.declaration().id()).toList());
    }

    @Test
    void aCheckRunsThemAll() {
        JsonObject list = json("--check --json --device cpu");
        assertThat(list.get("checked").getAsBoolean()).isTrue();
        list.getAsJsonArray("mechanisms").forEach(m -> {
            assertThat(m.getAsJsonObject().getAsJsonArray("devices")).as("" + m).hasSize(1);
            assertThat(m.getAsJsonObject().getAsJsonArray("problems")).isEmpty();
        });
    }

    @Test
    void everyMechanismIsShown() {
        for (Mechanism m : Mechanisms.all()) {
            String id = m.declaration().id();
            String shown = run("show " + id).out();
            assertThat(shown).startsWith(id + " ").contains("Equation", "Inputs", "Outputs", "Examples");
            m.declaration().inputs().forEach(p -> assertThat(shown).contains("  " + p.name() + " ", p.shapeText()));
            m.declaration().parameters().forEach(p -> assertThat(shown).contains("  " + p.name() + " "));
            assertThat(shown.lines()).allMatch(l -> l.length() <= 160 && l.equals(l.stripTrailing()));
            JsonObject json = json("show " + id + " --json");
            assertThat(json.getAsJsonArray("inputs"))
                    .hasSameSizeAs(m.declaration().inputs());
            assertThat(json.getAsJsonArray("parameters"))
                    .hasSameSizeAs(m.declaration().parameters());
            assertThat(json.get("equation").getAsString())
                    .isEqualTo(m.declaration().equation());
        }
    }

    @Test
    void everyExampleRunsAndAgrees() {
        for (Mechanism m : Mechanisms.all()) {
            for (int i = 1; i <= m.declaration().examples().size(); i++) {
                JsonObject done = json("run " + m.declaration().id() + " --example " + i + " --json --device cpu");
                assertThat(done.get("agrees").getAsBoolean()).as("" + done).isTrue();
                assertThat(done.getAsJsonArray("outputs"))
                        .hasSameSizeAs(m.declaration().outputs());
            }
        }
    }

    @Test
    void anExampleInWords() {
        String out = run("run --example flashbias --device cpu --param causal=true --seed 7")
                .out();
        assertThat(out)
                .startsWith("flashbias, B=2 H=2 Sq=9 Sk=13 D=8 Dv=12 R=2; causal=true; seed 7\n")
                .contains("input   query         F32 [2, 2, 9, 8]  ", "output  output        F32 [2, 2, 9, 12]  ")
                .contains("flashbias on cpu in ", "output agrees with the formula in float64: largest error ");
    }

    @Test
    void savedInputsGiveTheSameFromFiles() {
        Path first = folder.resolve("first.npy");
        Path second = folder.resolve("second.npy");
        Path inputs = folder.resolve("new/inputs");
        List<String> out = run("run uni-encoder --example 2 --device cpu --save-inputs " + inputs + " --out output="
                        + first)
                .out()
                .lines()
                .toList();
        List<String> command = new ArrayList<>(out.subList(out.indexOf("the same from files:") + 1, out.size()));
        String line = String.join(" ", command).replace("\\", "").replaceFirst("^\\s*fovea mechanisms", "");
        run(line.strip() + " --device cpu --out output=" + second);
        assertThat(Files.exists(second)).isTrue();
        assertThat(second).hasSameBinaryContentAs(first);
        assertThat(Arrays.stream(NpyFiles.read(first)).anyMatch(x -> x != 0)).isTrue();
        JsonObject half = json(line.strip() + " --device cpu --dtype f16 --json --out output=" + second);
        assertThat(half.getAsJsonArray("outputs")
                        .get(0)
                        .getAsJsonObject()
                        .get("dtype")
                        .getAsString())
                .isEqualTo("f16");
        assertThat(NpyFiles.describe(second)).isEqualTo("float16 [1, 2, 33, 8]");
    }
}
