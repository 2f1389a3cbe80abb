package dev.fovea.tools.attend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.fovea.tools.Cli;
import dev.fovea.tools.npy.NpyFiles;
import dev.fovea.tools.npy.NpyType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Element types, masks of both kinds, several score files, and cases files. */
class AttendFilesTest {
    private static final double NO = Double.NEGATIVE_INFINITY;

    @TempDir
    private Path folder;

    private final double[] query = gaussians(1, 2 * 3 * 4);
    private final double[] key = gaussians(2, 2 * 5 * 4);
    private final double[] value = gaussians(3, 2 * 5 * 4);

    private static double[] gaussians(long seed, int count) {
        SplittableRandom random = new SplittableRandom(seed);
        double[] x = new double[count];
        Arrays.setAll(x, i -> (float) random.nextGaussian());
        return x;
    }

    @BeforeEach
    void files() {
        write(NpyType.FLOAT32);
    }

    private void write(NpyType type) {
        NpyFiles.write(folder.resolve("q.npy"), type, query, 1, 2, 3, 4);
        NpyFiles.write(folder.resolve("k.npy"), type, key, 1, 2, 5, 4);
        NpyFiles.write(folder.resolve("v.npy"), type, value, 1, 2, 5, 4);
    }

    private Cli run(String... more) {
        List<String> args = new ArrayList<>(List.of("attend", "--device", "cpu"));
        for (String t : List.of("q", "k", "v")) {
            args.addAll(List.of("--" + t, folder.resolve(t + ".npy").toString()));
        }
        args.addAll(List.of("--out", folder.resolve("o.npy").toString()));
        for (String m : more) {
            args.add(m.replace("@", folder + "/"));
        }
        return Cli.run(args.toArray(String[]::new));
    }

    private double[] attend(String... more) {
        Cli done = run(more);
        assertThat(done.code()).as(done.err()).isZero();
        return NpyFiles.read(folder.resolve("o.npy"));
    }

    @Test
    void float64IsConverted() {
        double[] single = attend();
        write(NpyType.FLOAT64);
        assertThat(attend()).isEqualTo(single);
        assertThat(NpyFiles.describe(folder.resolve("o.npy"))).isEqualTo("float32 [1, 2, 3, 4]");
    }

    @Test
    void theStorageTypeIsThatOfTheQueriesOrGiven() {
        attend("--dtype", "f16");
        assertThat(NpyFiles.describe(folder.resolve("o.npy"))).startsWith("float16");
        double[] bf16 = attend("--dtype", "bf16");
        assertThat(NpyFiles.describe(folder.resolve("o.npy"))).startsWith("float32");
        assertThat(Arrays.stream(bf16)).allMatch(x -> (Float.floatToRawIntBits(x.floatValue()) & 0xffff) == 0);
        write(NpyType.FLOAT16);
        attend();
        assertThat(NpyFiles.describe(folder.resolve("o.npy"))).startsWith("float16");
        attend("--dtype", "f32");
        assertThat(NpyFiles.describe(folder.resolve("o.npy"))).startsWith("float32");
    }

    @Test
    void aFloatingPointMaskIsAdded() {
        double[] visible = {1, 1, 0, 1, 1, /**/ 0, 0, 1, 1, 1, /**/ 0, 0, 0, 0, 0};
        double[] added = Arrays.stream(visible).map(v -> v == 1 ? 0 : NO).toArray();
        NpyFiles.write(folder.resolve("b.npy"), NpyType.BOOL, visible, 3, 5);
        NpyFiles.write(folder.resolve("f.npy"), NpyType.FLOAT64, added, 3, 5);
        double[] bool = attend("--mask", "@b.npy");
        assertThat(attend("--mask", "@f.npy")).isEqualTo(bool);
        assertThat(attend("--bias", "@f.npy")).isEqualTo(bool);
        assertThat(Arrays.copyOfRange(bool, 8, 12)).containsOnly(0);
    }

    @Test
    void anAdditiveMaskAndABiasAddUp() {
        double[] bias = gaussians(4, 2 * 3 * 5);
        double[] mask = {0, NO, -1, 0.5};
        NpyFiles.write(folder.resolve("bias.npy"), NpyType.FLOAT32, bias, 2, 3, 5);
        NpyFiles.write(folder.resolve("mask.npy"), NpyType.FLOAT16, mask, 4);
        double[] sum = new double[bias.length];
        Arrays.setAll(sum, i -> i % 5 == 4 ? NO : (float) bias[i] + (float) mask[i % 5]);
        NpyFiles.write(folder.resolve("sum.npy"), NpyType.FLOAT32, sum, 2, 3, 5);
        double[] expected = attend("--bias", "@sum.npy");
        double[] both = attend("--mask", "@mask.npy", "--bias", "@bias.npy");
        for (int i = 0; i < both.length; i++) {
            assertThat(both[i]).isCloseTo(expected[i], org.assertj.core.data.Offset.offset(1e-6));
        }
        NpyFiles.write(folder.resolve("mask.npy"), NpyType.FLOAT32, 3, 3, 5);
        assertThat(run("--mask", "@mask.npy", "--bias", "@bias.npy").err()).contains("broadcast with each other");
        NpyFiles.write(folder.resolve("mask.npy"), NpyType.FLOAT32, 3, 6);
        assertThat(run("--mask", "@mask.npy", "--bias", "@bias.npy").err()).contains("at most 5 keys");
    }

    @Test
    void severalStagesOfScores() {
        attend("--scores", "raw=@r.npy", "--scores", "masked=@m.npy", "--scores", "probability=@p.npy", "--causal");
        double[] raw = NpyFiles.read(folder.resolve("r.npy"));
        double[] masked = NpyFiles.read(folder.resolve("m.npy"));
        double[] probability = NpyFiles.read(folder.resolve("p.npy"));
        for (int i = 0; i < raw.length; i++) {
            boolean visible = i % 5 <= i / 5 % 3;
            assertThat(masked[i]).isEqualTo(visible ? raw[i] : NO);
            assertThat(probability[i] > 0).isEqualTo(visible);
        }
        double sum = probability[10] + probability[11] + probability[12];
        assertThat(sum).isCloseTo(1, org.assertj.core.data.Offset.offset(1e-6));
    }

    @Test
    void aNumberAsOffsetAndAFileMeanTheSame() {
        NpyFiles.write(folder.resolve("off.npy"), NpyType.INT64, new double[] {2}, 1);
        double[] number = attend("--q-offset", "2", "--causal");
        assertThat(attend("--q-offset", "@off.npy", "--window", "-1,0")).isEqualTo(number);
        assertThat(attend("--causal", "bottom-right")).isEqualTo(number);
        assertThat(attend("--causal", "--window-alignment", "bottom-right")).isEqualTo(number);
        assertThat(attend("--causal")).isNotEqualTo(number);
    }

    @Test
    void outputsThatAreNoFilesAreWrittenInPlace() {
        assertThat(run("--lse", "/dev/null").code()).isZero();
    }

    private Cli cases(String... lines) throws IOException {
        Path file = Files.writeString(
                folder.resolve("c.jsonl"), String.join("\n", lines).replace("@", folder + "/") + "\n");
        return Cli.run("attend", "--device", "cpu", "--cases", file.toString());
    }

    private static final String QKV = "\"q\": \"@q.npy\", \"k\": \"@k.npy\", \"v\": \"@v.npy\", ";

    @Test
    void aLineMeansWhatTheFlagsMean() throws IOException {
        double[] flags = attend("--window", "2,0", "--scale", "0.25", "--softcap", "3", "--causal", "bottom-right");
        Cli done = cases(
                "{" + QKV + "\"out\": \"@1.npy\", \"window\": \"2,0\", \"scale\": 0.25, \"softcap\": 3,"
                        + " \"causal\": \"bottom-right\", \"name\": \"one\"}",
                "",
                "  {" + QKV + "\"out\": \"@2.npy\", \"causal\": true, \"q-offset\": 2, \"window\": \"2,0\","
                        + " \"scale\": \"0.25\", \"softcap\": 3.0, \"scores\": \"raw=@raw.npy\"}");
        assertThat(done.code()).as(done.err()).isZero();
        assertThat(done.err()).contains("2 cases: 2 passed, 0 failed");
        assertThat(NpyFiles.read(folder.resolve("1.npy"))).isEqualTo(flags);
        // a call that returns scores may take another path through the device
        assertThat(NpyFiles.read(folder.resolve("2.npy"))).containsExactly(flags, within(1e-6));
        assertThat(folder.resolve("raw.npy")).exists();
    }

    @Test
    void aBadLineIsReportedAndTheOthersRun() throws IOException {
        Cli done = cases(
                "{\"name\": \"no q\", \"k\": \"@k.npy\", \"v\": \"@v.npy\", \"out\": \"@1.npy\"}",
                "{" + QKV + "\"out\": \"@2.npy\", \"nonsense\": 1, \"name\": \"typo\"}",
                "{" + QKV + "\"out\": \"@3.npy\"",
                "[1, 2]",
                "{" + QKV + "\"out\": \"@4.npy\", \"window\": [2, 0]}",
                "{" + QKV + "\"out\": \"@5.npy\", \"out\": \"@6.npy\"}",
                "{" + QKV + "\"out\": \"@7.npy\", \"device\": \"moon\"}",
                "{" + QKV + "\"out\": \"@8.npy\", \"cases\": \"@c.jsonl\"}",
                "{" + QKV + "\"out\": \"@9.npy\", \"softcap\": -1}",
                "{" + QKV + "\"out\": \"@10.npy\", \"mask\": \"@none.npy\", \"name\": \"lost\"}",
                "{" + QKV + "\"out\": \"@11.npy\"} trailing",
                "{" + QKV + "\"out\": \"@12.npy\", \"scale\": NaN}",
                "{" + QKV + "\"out\": \"@13.npy\", \"scale\": \"NaN\"}",
                "{" + QKV + "\"out\": \"@good.npy\"}");
        assertThat(done.code()).isEqualTo(1);
        assertThat(done.err().lines().toList())
                .hasSize(14)
                .noneMatch(l -> l.contains("unexpected") || l.contains("Exception"));
        assertThat(done.err())
                .contains("line 1 (no q): --q is missing")
                .contains("line 2 (typo): unknown key 'nonsense'")
                .contains("line 3: the line is not a JSON object")
                .contains("line 4: expected a JSON object, got an array")
                .contains("line 5: the value of 'window' is an array")
                .contains("line 6: the key 'out' comes twice")
                .contains("line 7: no device 'moon'")
                .contains("line 8: unknown key 'cases'")
                .contains("line 9: --softcap")
                .contains("line 10 (lost): " + folder.resolve("none.npy") + ": no such file")
                .contains("line 11: ")
                .contains("line 12: the line is not a JSON object")
                .contains("line 13: --scale")
                .contains("14 cases: 1 passed, 13 failed");
        assertThat(NpyFiles.read(folder.resolve("good.npy"))).isEqualTo(attend());
    }

    @Test
    void casesAsJson() throws IOException {
        cases("{" + QKV + "\"out\": \"@1.npy\", \"name\": \"a\"}", "{\"name\": \"b\"}");
        Cli json = Cli.run(
                "attend",
                "--device",
                "cpu",
                "--json",
                "--cases",
                folder.resolve("c.jsonl").toString());
        assertThat(json.code()).isEqualTo(1);
        assertThat(json.out().lines().toList()).hasSize(2);
        assertThat(json.out().lines().findFirst().orElseThrow())
                .startsWith("{\"line\":1,\"name\":\"a\",\"ok\":true,")
                .contains("\"device\":\"cpu\"");
        assertThat(json.out().lines().skip(1).findFirst().orElseThrow())
                .startsWith("{\"line\":2,\"name\":\"b\",\"ok\":false,\"error\":\"--q is missing");
    }

    @Test
    void aCasesFileThatIsNotThere() {
        Cli done = Cli.run("attend", "--cases", folder.resolve("none").toString());
        assertThat(done.code()).isEqualTo(1);
        assertThat(done.err()).contains("no such file").hasLineCount(1);
    }
}
