package dev.fovea.tools;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.fovea.api.Bytes;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.AccessDeniedException;
import java.util.List;
import org.junit.jupiter.api.Test;

class MainTest {
    @Test
    void helpOfEveryCommand() {
        for (String command : List.of("", "probe", "attend", "explain", "mechanisms", "conformance", "bench", "demo")) {
            Cli done = command.isEmpty() ? Cli.run("--help") : Cli.run("help", command);
            assertThat(done.code()).isZero();
            assertThat(done.err()).isEmpty();
            assertThat(done.out()).contains("Usage: fovea");
        }
        assertThat(Cli.run("attend", "--help").out()).contains("Examples:", "Exit codes:", "Default:");
    }

    @Test
    void version() {
        assertThat(Cli.run("--version").out()).startsWith("fovea ").contains("Java 25");
    }

    @Test
    void wrongUsage() {
        for (String[] args : new String[][] {{}, {"attned"}, {"probe", "--jsn"}, {"probe", "x"}, {"demo", "--json"}}) {
            Cli done = Cli.run(args);
            assertThat(done.code()).isEqualTo(2);
            assertThat(done.err()).startsWith("fovea").hasLineCount(1).doesNotContain("Exception");
            assertThat(done.out()).isEmpty();
        }
    }

    @Test
    void probe() {
        Cli text = Cli.run("probe");
        assertThat(text.code()).isZero();
        assertThat(text.out()).contains("\ncpu\n".substring(1), "threads", "used: ", "matrix engine");
        assertThat(Cli.run("probe", "--verbose").out()).isEqualTo(text.out()); // there is no matrix unit to try
        JsonObject json =
                JsonParser.parseString(Cli.run("probe", "--json").out()).getAsJsonObject();
        assertThat(json.get("used").getAsString()).isNotEmpty();
        JsonObject device = json.getAsJsonArray("devices").asList().stream()
                .map(e -> e.getAsJsonObject())
                .filter(d -> d.get("id").getAsString().equals("cpu"))
                .findFirst()
                .orElseThrow();
        assertThat(device.keySet())
                .contains("name", "driver", "memoryBytes", "computeUnits", "vectorBits", "fp16", "rank", "notes");
        json.getAsJsonArray("refused")
                .forEach(r -> assertThat(r.getAsJsonObject().get("remedy").getAsString())
                        .isNotBlank());
    }

    @Test
    void failuresAreSentences() {
        assertThat(FailureText.of(new AccessDeniedException("a.npy")).sentence())
                .isEqualTo("a.npy: permission denied");
        assertThat(FailureText.of(new OutOfMemoryError("Java heap space")).sentence())
                .contains("FOVEA_JAVA_OPTIONS");
        FailureText defect = FailureText.of(new IllegalStateException("x"));
        assertThat(defect.sentence()).contains("unexpected IllegalStateException: x", "FOVEA_DEBUG=1");
        assertThat(defect.exitCode()).isEqualTo(1);
    }

    @Test
    void progressShowsABarOnlyToATerminalThatHasWaited() throws InterruptedException {
        StringWriter err = new StringWriter();
        try (Progress progress = new Progress(new PrintWriter(err), false)) {
            progress.step("cases", 3, 12);
            assertThat(progress.line(5)).isEqualTo("[######..................] 3/12  5 s  cases");
            progress.step("reading");
            assertThat(progress.line(0)).isEqualTo("0 s  reading");
        }
        assertThat(err.toString()).isEmpty();
        try (Progress progress = new Progress(new PrintWriter(err), true)) {
            progress.step("cases", 3, 12);
            Thread.sleep(200);
            assertThat(err.toString()).isEmpty();
            Thread.sleep(2300);
            progress.note("a line that stays");
            Thread.sleep(500);
        }
        assertThat(err.toString())
                .contains("3/12", "\r\033[Ka line that stays" + System.lineSeparator())
                .endsWith("\r\033[K");
    }

    @Test
    void sizesInWords() {
        assertThat(Bytes.text(48)).isEqualTo("48 B");
        assertThat(Bytes.text(32768)).isEqualTo("32 KiB");
        assertThat(Bytes.text(3L << 29)).isEqualTo("1.5 GiB");
    }
}
