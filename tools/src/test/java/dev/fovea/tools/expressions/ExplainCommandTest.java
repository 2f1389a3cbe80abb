package dev.fovea.tools.expressions;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.expr.Menu;
import dev.fovea.tools.Cli;
import dev.fovea.tools.npy.NpyFiles;
import dev.fovea.tools.npy.NpyType;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExplainCommandTest {
    @TempDir
    private Path folder;

    private Cli explain(String... more) {
        List<String> args = new ArrayList<>(List.of("explain", "--device", "cpu"));
        for (String m : more) {
            args.add(m.replace("@", folder + "/"));
        }
        return Cli.run(args.toArray(String[]::new));
    }

    private String text(String... more) {
        Cli done = explain(more);
        assertThat(done.code()).as(done.err()).isZero();
        return done.out();
    }

    @Test
    void theMapOfASinkWindow() {
        String out = text("--mask", "sink-window", "--scalar", "sinks=4", "--scalar", "window=128", "--queries", "384");
        assertThat(out)
                .contains(
                        "mask        kpos <= qpos && (kpos < sinks || qpos - kpos < window)   (13 nodes)",
                        "scalars     sinks = 4, window = 128",
                        """
                        query    0 +.....
                                64 #+....
                               128 +#+...
                               192 ++#+..
                               256 +.+#+.
                               320 +..+#+
                        """,
                        "skipped              18 tiles,  50.0 %",
                        "50.0 % of all pairs are computed",
                        "device      cpu\nkernel      cpu, ");
    }

    @Test
    void capturesAreNumbersFilesOrTypes() {
        String numbers = text(
                "--mask",
                "documents",
                "--mask",
                "causal",
                "--capture",
                "documents=0,0,0,0,1,1,1,1",
                "--queries",
                "8",
                "--tile",
                "2");
        assertThat(numbers).contains("query    0 +...\n", "  2 #+..\n", "  4 ..+.\n", "  6 ..#+\n");
        NpyFiles.write(folder.resolve("d.npy"), NpyType.INT64, new double[] {0, 0, 0, 0, 1, 1, 1, 1}, 1, 8);
        assertThat(text(
                        "--mask",
                        "documents",
                        "--mask",
                        "causal",
                        "--capture",
                        "documents=@d.npy",
                        "--queries",
                        "8",
                        "--tile",
                        "2"))
                .isEqualTo(numbers);
        NpyFiles.write(folder.resolve("t.npy"), NpyType.BOOL, new double[] {1, 1, 0, 1}, 4);
        assertThat(text("--mask-expr", "t[k]", "--capture", "t=@t.npy", "--queries", "4", "--tile", "2"))
                .contains("query    0 #+\n");
        assertThat(text("--mask", "documents", "--queries", "64"))
                .contains("the values of documents are not known")
                .contains("query    0 +\n");
        assertThat(text("--score-expr", "s * t[h]", "--capture", "t=f16"))
                .contains("score       s * t[h]", "captures    t F16 of rank 1")
                .doesNotContain("key 0");
    }

    @Test
    void theWholeCall() {
        String out = text(
                "--score",
                "alibi",
                "--score",
                "softcap",
                "--normaliser",
                "softmax",
                "--prob-expr",
                "select(p > 0.01, p, 0)",
                "--out-expr",
                "o * 0.5",
                "--heads",
                "8",
                "--kv-heads",
                "2",
                "--q-offset",
                "5",
                "--dtype",
                "bf16",
                "--head-dim",
                "96");
        assertThat(out)
                .contains("score       cap * tanh((s - slopes[h] * float(abs(qpos - kpos))) / cap)")
                .contains("weight      select(0.01 < p, p, 0.0)", "a second pass over the keys")
                .contains("output      o * 0.5")
                .contains("1024 queries from position 5, 1024 keys; query heads 8, key heads 2, head dim 96; bf16");
    }

    @Test
    void manyTilesShareACharacter() {
        String out = text("--mask", "causal", "--queries", "16384", "--tile", "32");
        assertThat(out).contains("A character stands for 11 x 6 tiles");
        assertThat(out.lines()).allMatch(l -> l.length() <= 120);
    }

    @Test
    void thePictureIsAPicture() throws IOException {
        Path png = folder.resolve("map.png");
        for (String tile : List.of("64", "512", "1")) {
            assertThat(explain("--mask", "causal", "--tile", tile, "--png", "@map.png")
                            .err())
                    .contains("map.png: the map as a picture");
            BufferedImage image = ImageIO.read(png.toFile());
            assertThat(image.getWidth()).isBetween(550, 900);
            assertThat(image.getHeight()).isBetween(200, 950);
        }
        BufferedImage image = ImageIO.read(png.toFile());
        assertThat(image.getRGB(100, 550) & 0xffffff).as("below the diagonal").isEqualTo(0x0072b2);
        assertThat(image.getRGB(590, 150) & 0xffffff).as("above it").isEqualTo(0xe8e8e8);
        assertThat(folder.toFile().list()).containsExactly("map.png");
    }

    @Test
    void theMenu() {
        String out = text("--list");
        for (Menu.Entry e : Menu.entries()) {
            assertThat(out).contains("  " + e.name() + " ");
        }
        assertThat(out).contains("with dilation, window", "Xiao et al. 2023");
    }

    @Test
    void theSourceIsShown() {
        assertThat(text("--mask-expr", "(qpos - kpos) % 2 == 0", "--score-expr", "2.0 * s", "--source"))
                .contains("mask, in ", "for each query row", "= index query_position", "tile = multiply of ");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "nothing to explain|--queries 4",
                "there is no 'cause'; there is causal, sliding-window|--mask cause",
                "there is no 'causal'; there is alibi|--score causal",
                "the mask needs --scalar dilation=N --scalar window=N|--mask dilated",
                "expected a whole number, got 3.5|--mask sliding-window --scalar window=3.5",
                "no expression uses it|--mask causal --scalar window=3",
                "no expression loads it|--mask causal --capture t=f32",
                "expected I32, got F32|--mask documents --capture documents=f32",
                "do not fit 32 bits|--mask documents --capture documents=1,99999999999",
                "3 axes, but documents[b, kpos] has 2|--mask documents --capture documents=@cube.npy",
                "there is nothing to load|--mask documents --capture documents=@empty.npy",
                "--tile: expected a number from 1|--mask causal --tile 0",
                "larger --tile|--mask causal --queries 100000000",
                "--head: expected a number from 0 to 0, got 1|--mask causal --head 1",
                "a divisor of the 8|--mask causal --heads 8 --kv-heads 3",
                "at character 1: there is no 'x'|--mask-expr x",
                "--png shows a mask|--score softcap --png @x.png",
                "no device 'cuda'|--mask causal --device cuda",
                "f32, f16, bf16|--mask causal --dtype f64",
            })
    void wrongUsage(String sentence, String args) {
        NpyFiles.write(folder.resolve("cube.npy"), NpyType.INT32, 1, 2, 3);
        NpyFiles.write(folder.resolve("empty.npy"), NpyType.INT32, 0);
        List<String> words = new ArrayList<>(List.of(args.split(" ")));
        Cli done = words.contains("--device")
                ? Cli.run(("explain " + args).split(" "))
                : explain(words.toArray(String[]::new));
        assertThat(done.err()).startsWith("fovea explain: ").contains(sentence).hasLineCount(1);
        assertThat(done.code()).as(done.err()).isEqualTo(2);
        assertThat(folder.resolve("x.png")).doesNotExist();
    }

    @Test
    void everyMaskOfTheMenuHasAMap() {
        for (Menu.Entry e : Menu.entries()) {
            if (e.stage() == Menu.Stage.MASK) {
                List<String> args = new ArrayList<>(List.of("--mask", e.name(), "--queries", "64", "--tile", "8"));
                Parameters.of(List.of(e.expression()))
                        .scalars()
                        .keySet()
                        .forEach(s -> args.addAll(List.of("--scalar", s + "=4")));
                assertThat(text(args.toArray(String[]::new))).as(e.name()).contains("of all pairs are computed");
            }
        }
    }
}
