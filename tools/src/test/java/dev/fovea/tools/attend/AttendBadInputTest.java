package dev.fovea.tools.attend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.tools.Cli;
import dev.fovea.tools.npy.NpyFiles;
import dev.fovea.tools.npy.NpyType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bad input ends with one sentence and exit code 1 or 2, and writes nothing. */
class AttendBadInputTest {
    @TempDir
    private Path folder;

    @BeforeEach
    void files() {
        NpyFiles.write(folder.resolve("q.npy"), NpyType.FLOAT32, 2, 4, 3, 8);
        NpyFiles.write(folder.resolve("k.npy"), NpyType.FLOAT32, 2, 2, 5, 8);
        NpyFiles.write(folder.resolve("v.npy"), NpyType.FLOAT32, 2, 2, 5, 8);
        NpyFiles.write(folder.resolve("mask.npy"), NpyType.BOOL, 3, 5);
        NpyFiles.write(folder.resolve("mask4.npy"), NpyType.BOOL, 4, 5);
        NpyFiles.write(folder.resolve("ints.npy"), NpyType.INT32, 2);
        NpyFiles.write(folder.resolve("three.npy"), NpyType.INT32, 3);
        NpyFiles.write(folder.resolve("nine.npy"), NpyType.INT64, new double[] {9, 1}, 2);
        NpyFiles.write(folder.resolve("far.npy"), NpyType.INT64, new double[] {3e9, 1}, 2);
        NpyFiles.write(folder.resolve("rank3.npy"), NpyType.FLOAT32, 2, 5, 8);
        NpyFiles.write(folder.resolve("d0.npy"), NpyType.FLOAT32, 2, 2, 5, 0);
        NpyFiles.write(folder.resolve("h0.npy"), NpyType.FLOAT32, 2, 0, 5, 8);
        NpyFiles.write(folder.resolve("h3.npy"), NpyType.FLOAT32, 2, 3, 5, 8);
        NpyFiles.write(folder.resolve("d7.npy"), NpyType.FLOAT32, 2, 2, 5, 7);
        NpyFiles.write(folder.resolve("four.npy"), NpyType.FLOAT32, 4);
    }

    private Cli attend(String... more) {
        List<String> args = new ArrayList<>(List.of("attend", "--device", "cpu"));
        for (String t : List.of("q", "k", "v")) {
            if (!Arrays.asList(more).contains("--" + t)) {
                args.addAll(List.of("--" + t, folder.resolve(t + ".npy").toString()));
            }
        }
        args.addAll(List.of("-o", folder.resolve("out.npy").toString()));
        for (String m : more) {
            args.add(m.replace("@", folder + "/"));
        }
        if (Arrays.asList(more).contains("--device")) {
            args.subList(1, 3).clear();
        }
        return Cli.run(args.toArray(String[]::new));
    }

    private void fails(int code, String sentence, String... more) {
        Cli done = attend(more);
        assertThat(done.err())
                .as(String.join(" ", more))
                .startsWith("fovea attend: ")
                .containsIgnoringCase(sentence)
                .doesNotContain("\tat ")
                .doesNotContain("unexpected");
        assertThat(done.err().strip().lines()).hasSize(1);
        assertThat(done.code()).as(done.err()).isEqualTo(code);
        assertThat(done.out()).isEmpty();
        assertThat(folder.toFile().list()).doesNotContain("out.npy").noneMatch(f -> f.endsWith(".tmp"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "2; --layout; --layout bsdh",
                "2; --dtype; --dtype f64",
                "2; --dtype; --dtype F32",
                "2; --causal; --causal left",
                "2; --window-alignment; --window-alignment middle",
                "2; whole numbers; --window a,b",
                "2; whole numbers; --window 3",
                "2; whole numbers; --window 1,2,3",
                "2; at least -1; --window -2,0",
                "2; whole numbers; --window 99999999999,0",
                "2; --softcap; --softcap -1",
                "2; --softcap; --softcap NaN",
                "2; --softcap; --softcap inf",
                "2; --scale; --scale NaN",
                "2; --scale; --scale 1e999",
                "2; --scale; --scale big",
                "2; disagree; --causal top-left --window-alignment bottom-right --window 1,1",
                "2; give only one; --causal top-left --q-offset 3",
                "2; give only one; --window 1,1 --window-alignment top-left --q-offset 3",
                "2; -2^29 to 2^29; --q-offset 9999999999",
                "2; go together; --past-k @k.npy",
                "2; go together; --past-v @v.npy",
                "2; raw, capped, masked, probability; --scores logits=@s.npy",
                "2; raw, capped, masked, probability; --scores raw",
                "2; raw, capped, masked, probability; --scores raw=",
                "2; two outputs; --lse @out.npy",
                "2; needs --heads; --layout packed",
                "2; at least 1; --heads 0",
                "2; unknown option; --frobnicate",
                "2; exclude each other; --cases @c.jsonl",
                "2; no device 'cuda'; --device cuda",
                "2; no device; --device opencl/none/7",
                "1; no such file; --q @none.npy",
                "1; no such file; --mask @none.npy",
                "1; no such file; --q-offset @none.npy",
                "1; rank 4; --q @rank3.npy",
                "1; rank 4; --k @rank3.npy",
                "1; rank 4; --past-k @rank3.npy --past-v @v.npy",
                "1; rank 3; --layout packed --heads 4",
                "1; head dim; --q @d0.npy --k @d0.npy",
                "1; head dim of v; --v @d0.npy",
                "1; heads; --q @h0.npy",
                "1; heads; --k @h0.npy",
                "1; divides; --k @h3.npy --v @h3.npy",
                "1; k: expected shape; --k @d7.npy",
                "1; heads; --heads 5",
                "1; q: expected; --layout bshd --heads 4",
                "1; mask: expected a shape that broadcasts; --mask @mask4.npy",
                "1; float16; --q @mask.npy",
                "1; bool; --mask @ints.npy",
                "1; float16; --bias @mask.npy",
                "1; int32; --kv-lengths @four.npy",
                "1; key lengths; --kv-lengths @three.npy",
                "1; from 0 to 5; --kv-lengths @nine.npy",
                "1; 32 bits; --kv-lengths @far.npy",
                "1; query offsets; --q-offset @three.npy",
                "1; int32; --q-offset @four.npy",
                "1; sink; --sink @rank3.npy",
                "1; alibi; --alibi @rank3.npy",
                "1; folder; --lse @none/l.npy",
            })
    void badOptionsAndFiles(int code, String sentence, String args) {
        fails(code, sentence, args.split(" "));
    }

    @Test
    void requiredOptions() {
        for (List<String> args : List.of(List.of("attend"), List.of("attend", "--q", "a", "--k", "b", "--v", "c"))) {
            Cli done = Cli.run(args.toArray(String[]::new));
            assertThat(done.code()).isEqualTo(2);
            assertThat(done.err()).contains("is missing").hasLineCount(1);
        }
    }

    @Test
    void brokenFiles() throws IOException {
        byte[] whole = Files.readAllBytes(folder.resolve("q.npy"));
        Files.write(folder.resolve("cut.npy"), Arrays.copyOf(whole, whole.length - 1));
        fails(1, "truncated", "--q", "@cut.npy");
        Files.write(folder.resolve("cut.npy"), Arrays.copyOf(whole, 40));
        fails(1, "truncated inside its header", "--q", "@cut.npy");
        String text = new String(whole, java.nio.charset.StandardCharsets.ISO_8859_1);
        Files.write(
                folder.resolve("hostile.npy"),
                text.replace("(2, 4, 3, 8)", "(2, 4, 9999999999999999, 8)")
                        .getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
        fails(1, "hostile.npy", "--q", "@hostile.npy");
        Files.write(folder.resolve("empty.npy"), new byte[0]);
        fails(1, "too short", "--q", "@empty.npy");
        fails(1, "not a regular file", "--q", folder.toString());
    }

    @Test
    void scoresOfThreeTerabytesFailBeforeAnythingIsComputed() {
        NpyFiles.write(folder.resolve("long.npy"), NpyType.FLOAT16, 1, 1, 900_000, 1);
        String[] tensors = {"--q", "@long.npy", "--k", "@long.npy", "--v", "@long.npy"};
        List<String> args = new ArrayList<>(List.of(tensors));
        args.addAll(List.of("--scores", "raw=@s.npy"));
        long start = System.nanoTime();
        fails(1, "2.9 TiB", args.toArray(String[]::new));
        assertThat((System.nanoTime() - start) / 1e9).isLessThan(30);
        assertThat(folder.resolve("s.npy")).doesNotExist();
    }

    @Test
    void aFailureLeavesEarlierOutputsAsTheyWere() throws IOException {
        assertThat(attend("--lse", "@l.npy").code()).isZero();
        byte[] before = Files.readAllBytes(folder.resolve("out.npy"));
        assertThat(attend("--scale", "3", "--lse", "@none/l.npy").code()).isEqualTo(1);
        assertThat(folder.resolve("out.npy")).hasBinaryContent(before);
    }

    @Test
    void theSummaryGoesToStderrAndJsonToStdout() {
        Cli plain = attend();
        assertThat(plain.out()).isEmpty();
        assertThat(plain.err()).contains("out.npy: f32 [2, 4, 3, 8] on cpu in ");
        Cli json = attend("--json");
        assertThat(json.err()).isEmpty();
        assertThat(json.out()).contains("\"shape\": [2, 4, 3, 8]", "\"device\": \"cpu\"", "\"dtype\": \"f32\"");
    }
}
