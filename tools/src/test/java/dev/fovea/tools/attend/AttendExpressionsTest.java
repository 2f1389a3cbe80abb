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
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Expressions from the shell: against the option that says the same, or a formula; and what is said of wrong ones. */
class AttendExpressionsTest {
    private static final int S = 9;
    private static final int D = 8;

    @TempDir
    private Path folder;

    @BeforeEach
    void files() {
        SplittableRandom random = new SplittableRandom(4);
        for (String t : List.of("q", "k", "v")) {
            double[] x = new double[2 * S * D];
            for (int i = 0; i < x.length; i++) {
                x[i] = (float) random.nextGaussian();
            }
            NpyFiles.write(folder.resolve(t + ".npy"), NpyType.FLOAT32, x, 1, 2, S, D);
        }
        NpyFiles.write(folder.resolve("slopes.npy"), NpyType.FLOAT32, new double[] {0.5, 0.25}, 2);
        NpyFiles.write(folder.resolve("doc.npy"), NpyType.INT64, new double[] {0, 0, 0, 1, 1, 1, 1, 2, 2}, S);
        double[] mask = new double[S * S];
        for (int i = 0; i < mask.length; i++) {
            int q = i / S;
            int k = i % S;
            mask[i] = k <= q && (q < 3) == (k < 3) && (q < 7) == (k < 7) ? 1 : 0;
        }
        NpyFiles.write(folder.resolve("mask.npy"), NpyType.BOOL, mask, S, S);
    }

    private Cli attend(String out, String... more) {
        List<String> args = new ArrayList<>(List.of("attend", "--device", "cpu", "-o", "" + folder.resolve(out)));
        for (String t : List.of("q", "k", "v")) {
            args.addAll(List.of("--" + t, "" + folder.resolve(t + ".npy")));
        }
        for (String m : more) {
            args.add(m.replace("@", folder + "/"));
        }
        return Cli.run(args.toArray(String[]::new));
    }

    private double[] output(String... more) {
        Cli done = attend("o.npy", more);
        assertThat(done.code()).as(done.err()).isZero();
        return NpyFiles.read(folder.resolve("o.npy"));
    }

    private static void same(double[] got, double[] expected) {
        assertThat(got).containsExactly(expected, within(1e-5));
    }

    @Test
    void masksAndScoresAsTheOptionsThatSayTheSame() {
        same(output("--mask-expr", "kpos <= qpos"), output("--causal"));
        same(output("--mask-expr", "kpos <= qpos && qpos - kpos < w", "--scalar", "w=3"), output("--window", "2,0"));
        same(
                output("--mask-expr", "doc[qpos] == doc[kpos]", "--capture", "doc=@doc.npy", "--causal"),
                output("--mask", "@mask.npy"));
        same(
                output("--score-expr", "s - slope[h] * abs(qpos - kpos)", "--capture", "slope=@slopes.npy"),
                output("--alibi", "@slopes.npy"));
        same(output("--score-expr", "s * 2", "--scale", "0.1"), output("--scale", "0.2"));
    }

    @Test
    void outputsAndWeights() {
        double[] plain = output();
        double[] twice = output("--out-expr", "o * 2.0 + float(d)");
        for (int i = 0; i < plain.length; i++) {
            assertThat(twice[i]).isCloseTo(2 * plain[i] + i % D, within(1e-5));
        }
        assertThat(output("--prob-expr", "select(p > 2.0, p, 0)")).containsOnly(0);
        same(output("--prob-expr", "3 * p", "--out-expr", "o / 3.0"), plain);
    }

    @Test
    void sigmoidIsTheFormula() {
        double[] q = NpyFiles.read(folder.resolve("q.npy"));
        double[] k = NpyFiles.read(folder.resolve("k.npy"));
        double[] v = NpyFiles.read(folder.resolve("v.npy"));
        double[] got = output("--normaliser", "sigmoid", "--scale", "0.5", "--causal");
        for (int h = 0; h < 2; h++) {
            for (int i = 0; i < S; i++) {
                for (int c = 0; c < D; c++) {
                    double sum = 0;
                    for (int j = 0; j <= i; j++) {
                        double s = 0;
                        for (int d = 0; d < D; d++) {
                            s += q[(h * S + i) * D + d] * k[(h * S + j) * D + d];
                        }
                        sum += v[(h * S + j) * D + c] / (1 + Math.exp(-0.5 * s));
                    }
                    assertThat(got[(h * S + i) * D + c]).isCloseTo(sum, within(1e-5));
                }
            }
        }
    }

    @Test
    void linesOfCasesHaveArrays() throws IOException {
        String tensors = "\"q\": \"@q.npy\", \"k\": \"@k.npy\", \"v\": \"@v.npy\"";
        String line = ("{" + tensors
                        + ", \"out\": \"@c.npy\", \"mask-expr\": \"doc[q] == doc[k] && q - k < n && q >= k\","
                        + " \"capture\": [\"doc=@doc.npy\"], \"scalar\": [\"n=100\"]}")
                .replace("@", folder + "/");
        Files.writeString(folder.resolve("cases.jsonl"), line + "\n");
        Cli done = Cli.run("attend", "--device", "cpu", "--cases", "" + folder.resolve("cases.jsonl"));
        assertThat(done.code()).as(done.err()).isZero();
        same(NpyFiles.read(folder.resolve("c.npy")), output("--mask", "@mask.npy"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "2|--mask-expr: in 'kpos <= wpos' at character 9: there is no 'wpos'|--mask-expr|kpos <= wpos|",
                "2|at character 15: the expression ends too early|--mask-expr|kpos <= qpos +|",
                "2|--mask-expr: 's' is a number, expected true or false|--mask-expr|s|",
                "2|'s < 1.0' uses the score s|--mask-expr|s < 1.0|",
                "2|--score-expr: 'q < k' is true or false, expected a number|--score-expr|q < k|",
                "2|uses d, the column|--score-expr|s + d|",
                "2|'o + k' uses a key index|--out-expr|o + k|",
                "2|'p' uses the probability|--score-expr|p|",
                "2|there is no captured tensor 'doc'|--mask-expr|doc[q] == 1|",
                "2|needs indices|--mask-expr|doc == 1|--capture doc=@doc.npy",
                "2|--capture doc: no expression loads it|--mask-expr|q < k|--capture doc=@doc.npy",
                "2|--scalar w: no expression uses it|--mask-expr|q < k|--scalar w=1",
                "2|expected a number|--mask-expr|q < w|--scalar w=two",
                "2|expected NAME=VALUE|--mask-expr|q < w|--scalar w",
                "2|expected NAME=FILE|--mask-expr|q < k|--capture Doc=x",
                "2|--scalar w comes twice|--mask-expr|q < w|--scalar w=1 --scalar w=2",
                "2|softmax, l1, identity, sigmoid, relu|--normaliser|softmin|",
                "2|exclude each other|--prob-expr|p|--normaliser sigmoid",
                "1|no such file|--mask-expr|doc[q] == 1|--capture doc=@none.npy",
                "1|expected rank 2|--mask-expr|doc[b, q] == 1|--capture doc=@doc.npy",
                "1|choose another|--mask-expr|mask[q] == 1|--capture mask=@doc.npy",
            })
    void wrongOnes(int code, String sentence, String option, String text, String more) {
        List<String> args = new ArrayList<>(List.of(option, text));
        if (more != null) {
            args.addAll(List.of(more.split(" ")));
        }
        Cli done = attend("bad.npy", args.toArray(String[]::new));
        assertThat(done.err())
                .startsWith("fovea attend: ")
                .contains(sentence)
                .doesNotContain("unexpected")
                .hasLineCount(1);
        assertThat(done.code()).as(done.err()).isEqualTo(code);
        assertThat(folder.resolve("bad.npy")).doesNotExist();
    }
}
