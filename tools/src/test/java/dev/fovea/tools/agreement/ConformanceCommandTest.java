package dev.fovea.tools.agreement;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.fovea.conformance.CaseResult.Status;
import dev.fovea.tools.Cli;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ConformanceCommandTest {
    @Test
    void aCaseOnTheCpu() {
        Cli done = Cli.run("conformance", "--device", "cpu", "--case", "hq=4 hk=2 hv=2 sq=5 sk=70 causal seed=3");
        assertThat(done.code()).as(done.out() + done.err()).isZero();
        assertThat(done.out()).contains("case    1 / 0 / 0", "all passed");
    }

    @Test
    void aFilterKeepsCasesAndLaws() {
        Cli done = Cli.run("conformance", "--device", "cpu", "--small", "--filter", "window", "--json");
        assertThat(done.code()).as(done.out() + done.err()).isZero();
        JsonObject json = JsonParser.parseString(done.out()).getAsJsonObject();
        assertThat(json.get("passed").getAsBoolean()).isTrue();
        assertThat(json.getAsJsonArray("groups").asList().stream()
                        .map(g -> g.getAsJsonObject().get("group").getAsString()))
                .containsExactly("menu", "laws", "mechanisms");
        assertThat(json.getAsJsonObject("environment").get("java").getAsString())
                .contains("25");
    }

    @Test
    void everyNthCaseAndLaw() {
        Cli done = Cli.run(
                "conformance", "--device", "cpu", "--small", "--filter", "nan-visible", "--every", "4", "--json");
        assertThat(done.code()).as(done.out() + done.err()).isZero();
        JsonObject group = JsonParser.parseString(done.out())
                .getAsJsonObject()
                .getAsJsonArray("groups")
                .get(0)
                .getAsJsonObject();
        assertThat(group.getAsJsonArray("devices")
                        .get(0)
                        .getAsJsonObject()
                        .get("pass")
                        .getAsInt())
                .as("of 9 cases")
                .isEqualTo(3);
    }

    @Test
    void slicesAreAllOfThem() {
        List<Integer> all = List.of(10, 11, 12, 13, 14, 15, 16);
        assertThat(AgreementRun.every(3, 1, all)).containsExactly(10, 13, 16);
        assertThat(AgreementRun.every(3, 2, all)).containsExactly(11, 14);
        assertThat(AgreementRun.every(3, 3, all)).containsExactly(12, 15);
        assertThat(AgreementRun.every(1, 8, all)).isEmpty();
    }

    @Test
    void aFailureIsToldWhenItHappens() {
        List<String> told = new ArrayList<>();
        Findings findings = new Findings(List.of("cpu"), told::add);
        findings.add(new Verdict("laws", "cpu", "a", Status.PASS, "", 0, 0, "again a"));
        assertThat(told).isEmpty();
        findings.add(new Verdict("laws", "cpu", "b", Status.FAIL, "off by\n  three\n", 0, 0, "fovea again"));
        assertThat(told).containsExactly("FAILED on cpu, laws: off by three; fovea again");
        assertThat(findings.failures()).hasSize(1);
        assertThat(findings.skippedWhole()).isEmpty();
    }

    @Test
    void wrongUse() {
        for (List<String> args : List.of(
                List.of("--quick", "--small"),
                List.of("--case", "hq=x"),
                List.of("--case", "color=red"),
                List.of("--filter", "no such thing"),
                List.of("--device", "moon"),
                List.of("--every", "0"),
                List.of("--from", "0"),
                List.of("--filter", "huge", "--from", "100"),
                List.of("--seed", "x"))) {
            String[] all = java.util.stream.Stream.concat(java.util.stream.Stream.of("conformance"), args.stream())
                    .toArray(String[]::new);
            Cli done = Cli.run(all);
            assertThat(done.code()).as(args + ": " + done.err()).isEqualTo(2);
            assertThat(done.err()).hasLineCount(1);
        }
    }

    @Test
    void theMatrixCountsAndKeepsTheWorst() {
        Matrix matrix = new Matrix(List.of("cpu", "opencl/x/0"));
        matrix.add(new Verdict("options", "cpu", "a", Status.PASS, "", 0.25, 1e-7, ""));
        matrix.add(new Verdict("options", "cpu", "b", Status.FAIL, "", 3, 2e-3, ""));
        matrix.add(new Verdict("options", "opencl/x/0", "a", Status.SKIP, "no", 0, 0, ""));
        matrix.add(new Verdict("laws", "cpu", "a", Status.FAIL, "", Double.NaN, Double.NaN, ""));
        assertThat(matrix.lines())
                .containsExactly(
                        "group     cpu                         opencl/x/0",
                        "options   1 / 1 / 0  2.0e-03 (300%)   0 / 0 / 1",
                        "laws      0 / 1 / 0                   -");
    }
}
