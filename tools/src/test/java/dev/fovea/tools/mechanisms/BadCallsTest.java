package dev.fovea.tools.mechanisms;

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

/** A wrong call ends with one sentence that says what is expected, exit code 2, and nothing written. */
class BadCallsTest {
    private static final String GOOD = "--in query=@q.npy --in key=@q.npy --in value=@v.npy --in segment=@s.npy";

    @TempDir
    private Path folder;

    @BeforeEach
    void files() throws IOException {
        NpyFiles.write(folder.resolve("q.npy"), NpyType.FLOAT32, 2, 1, 5, 4);
        NpyFiles.write(folder.resolve("v.npy"), NpyType.FLOAT32, 2, 1, 5, 3);
        NpyFiles.write(folder.resolve("s.npy"), NpyType.INT32, 2, 5);
        NpyFiles.write(folder.resolve("s6.npy"), NpyType.INT32, 2, 6);
        NpyFiles.write(folder.resolve("rank3.npy"), NpyType.FLOAT32, 2, 5, 4);
        NpyFiles.write(folder.resolve("d7.npy"), NpyType.FLOAT32, 2, 1, 5, 7);
        NpyFiles.write(folder.resolve("ints.npy"), NpyType.INT32, 2, 1, 5, 4);
        NpyFiles.write(folder.resolve("sf.npy"), NpyType.FLOAT32, 2, 5);
        NpyFiles.write(folder.resolve("far.npy"), NpyType.INT64, new double[] {3e9, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 2, 5);
        NpyFiles.write(folder.resolve("bits.npy"), NpyType.BOOL, 2, 1, 5, 4);
        Files.writeString(folder.resolve("text.npy"), "1, 2, 3\n");
        Files.write(folder.resolve("short.npy"), Arrays.copyOf(Files.readAllBytes(folder.resolve("q.npy")), 150));
    }

    private Cli call(String line) {
        List<String> args = new ArrayList<>(List.of("mechanisms"));
        for (String word : line.replace("GOOD", GOOD).strip().split("\\s+")) {
            args.add(word.replace("@", folder + "/"));
        }
        return Cli.run(args.toArray(String[]::new));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "run; expected one of alignedgen, ",
                "show; expected one of alignedgen, ",
                "show flash-bias; there is no mechanism 'flash-bias'; expected one of",
                "run uniencoder GOOD; there is no mechanism 'uniencoder'; expected one of",
                "flashbias; 'flashbias' is no command of fovea mechanisms; expected show ID, run ID",
                "--json show flashbias; --json stands before show",
                "show flashbias gna; unmatched argument",
                "run uni-encoder; --in query=FILE is missing; expected query [B, H, S, D], key [B, H, S, D],",
                "run uni-encoder --in query=@q.npy --in key=@q.npy --in value=@v.npy; --in segment=FILE is missing",
                "run uni-encoder GOOD --in mask=@s.npy; has no input of this name; expected query [B, H, S, D]",
                "run uni-encoder GOOD --in key=@q.npy; --in key is given twice",
                "run uni-encoder --in query; expected a name, '=' and",
                "run uni-encoder --in =q.npy; expected a name, '=' and",
                "run uni-encoder --in query=; expected a name, '=' and",
                "run uni-encoder --in query=@none.npy --in key=@q.npy --in value=@v.npy --in segment=@s.npy; none.npy: no such file; expected an array in an .npy file",
                "run uni-encoder --in query=@text.npy --in key=@q.npy --in value=@v.npy --in segment=@s.npy; not an NPY file",
                "run uni-encoder --in query=@short.npy --in key=@q.npy --in value=@v.npy --in segment=@s.npy; truncated",
                "run uni-encoder --in query=@ --in key=@q.npy --in value=@v.npy --in segment=@s.npy; not a regular file",
                "run uni-encoder --in query=@rank3.npy --in key=@q.npy --in value=@v.npy --in segment=@s.npy; expected 4 axes [B, H, S, D], got float32 [2, 5, 4]",
                "run uni-encoder --in query=@q.npy --in key=@d7.npy --in value=@v.npy --in segment=@s.npy; expected [B, H, S, D] with D = 4 as query has, got float32 [2, 1, 5, 7]",
                "run uni-encoder --in query=@q.npy --in key=@q.npy --in value=@v.npy --in segment=@s6.npy; expected [B, S] with S = 5 as query has",
                "run uni-encoder --in query=@ints.npy --in key=@q.npy --in value=@v.npy --in segment=@s.npy; expected float16, float32 or float64, got int32",
                "run uni-encoder --in query=@bits.npy --in key=@q.npy --in value=@v.npy --in segment=@s.npy; expected float16, float32 or float64, got bool",
                "run uni-encoder --in query=@q.npy --in key=@q.npy --in value=@v.npy --in segment=@sf.npy; expected int32 or int64, got float32",
                "run uni-encoder --in query=@q.npy --in key=@q.npy --in value=@v.npy --in segment=@far.npy; 3000000000 does not fit into 32 bits",
                "run uni-encoder GOOD --param window=3; --param window: expected one of mask, got window",
                "run uni-encoder GOOD --param mask=Arrow; --param mask: expected one of arrow, diagonal, square, got 'Arrow'",
                "run uni-encoder GOOD --param mask=arrow --param mask=square; --param mask is given twice",
                "run uni-encoder GOOD --param mask; expected a name, '=' and",
                "run flashbias --example --param causal=yes; --param causal: expected true or false, got 'yes'",
                "run gna --example --param kernel=0; --param kernel: expected whole numbers from 1 to",
                "run gna --example --param kernel=5,x; --param kernel: expected whole numbers from 1 to",
                "run gna --example --param stride=99; stride",
                "run sasrec --example --param heads=4; heads",
                "run sasrec --example --param heads=1e3; --param heads: expected a whole number from 1 to",
                "run uni-encoder GOOD --out result=@o.npy; has no output of this name; expected output [B, H, S, Dv]",
                "run uni-encoder GOOD --out output=@none/o.npy; expected a file in a folder that exists",
                "run uni-encoder GOOD --dtype f64; expected f32, f16, bf16",
                "run uni-encoder GOOD --device moon; no device",
                "run uni-encoder GOOD --seed 3; --seed goes with --example",
                "run uni-encoder GOOD --save-inputs @in; --save-inputs goes with --example",
                "run uni-encoder --example 9; --example: expected a number from 1 to 3, got '9'",
                "run uni-encoder --example 0; --example: expected a number from 1 to 3, got '0'",
                "run uni-encoder --example 1 --in query=@q.npy; --example and --in exclude each other",
                "run uni-encoder --example 1 --dtype f16; --example and --dtype exclude each other",
                "run uni-encoder --example 1 --seed x; --seed",
                "run uni-encoder --example 1 --save-inputs @q.npy; --save-inputs: expected a folder",
                "run uni-encoder --frobnicate; unknown option"
            })
    void areAnsweredByASentence(String line, String sentence) {
        Cli done = call(line.contains("--device") || !line.startsWith("run ") ? line : line + " --device cpu");
        assertThat(done.err())
                .startsWith("fovea mechanisms")
                .containsIgnoringCase(sentence)
                .doesNotContain("\tat ");
        assertThat(done.err().strip().lines()).as(done.err()).hasSize(1);
        assertThat(done.code()).as(done.err()).isEqualTo(2);
        assertThat(done.out()).isEmpty();
        assertThat(folder.toFile().list()).doesNotContain("o.npy", "in").noneMatch(f -> f.endsWith(".tmp"));
    }

    @Test
    void theGoodCallRuns() {
        Cli done = call("run uni-encoder GOOD --out output=@o.npy --device cpu");
        assertThat(done.err()).isEmpty();
        assertThat(done.code()).isZero();
        assertThat(NpyFiles.describe(folder.resolve("o.npy"))).isEqualTo("float32 [2, 1, 5, 3]");
    }

    @Test
    void twoOutputsOfOneFile() {
        Cli done = call("run sasrec --example --device cpu --out output=@o.npy --out score=@o.npy");
        assertThat(done.code()).isEqualTo(2);
        assertThat(done.err())
                .contains("--out score: expected a file of its own")
                .hasLineCount(1);
    }
}
