package dev.fovea.tools.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.tools.Cli;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.TypeConversionException;

class BenchTest {
    @TempDir
    private Path folder;

    @Test
    void aLineACaseAndJsonLines() throws IOException {
        Path out = folder.resolve("b.jsonl");
        Cli done = Cli.run(
                "bench --device cpu --shape 1x4/2x3/40x16 --shape 1x2x33x8 --dtype f16 --causal --window 9,0 --time 0.01 --out"
                        .concat(" " + out)
                        .split(" "));
        assertThat(done.code()).as(done.err()).isZero();
        assertThat(done.out().lines().toList()).hasSize(3);
        List<String> lines = Files.readAllLines(out);
        assertThat(lines).hasSize(2);
        JsonObject first = JsonParser.parseString(lines.getFirst()).getAsJsonObject();
        assertThat(first.get("shape").getAsString()).isEqualTo("1x4/2x3/40x16");
        assertThat(first.get("options").getAsString()).isEqualTo("causal window=9,0");
        assertThat(first.get("flops").getAsDouble()).isEqualTo(4.0 * 30 * 16 * 4);
        assertThat(first.get("medianMs").getAsDouble())
                .isGreaterThanOrEqualTo(first.get("minMs").getAsDouble());
        assertThat(first.get("clock").getAsString()).isNotEmpty();
        assertThat(first.getAsJsonObject("environment").get("cpu")).isNotNull();
    }

    @Test
    void shapes() {
        assertThat(BenchShape.parse("1x8x1024x64")).isEqualTo(new BenchShape(1, 8, 8, 1024, 1024, 64));
        assertThat(BenchShape.parse("2x32/8x1/4096x128")).isEqualTo(new BenchShape(2, 32, 8, 1, 4096, 128));
        assertThat(BenchShape.parse("2x32/8x1/4096x128")).hasToString("2x32/8x1/4096x128");
        for (String bad : List.of("", "1x2x3", "1x2x3x4x5", "0x1x1x1", "1x3/2x4x4", "axbxcxd", "9999x9999x9999x9999")) {
            assertThatThrownBy(() -> BenchShape.parse(bad)).isInstanceOf(TypeConversionException.class);
        }
    }

    @Test
    void visiblePairs() {
        BenchShape s = BenchShape.parse("1x1x4/6x1");
        assertThat(new BenchCase(s, DType.F32, false, -1, -1).flops()).isEqualTo(4.0 * 24);
        assertThat(new BenchCase(s, DType.F32, true, -1, -1).flops()).isEqualTo(4.0 * (3 + 4 + 5 + 6));
        assertThat(new BenchCase(s, DType.F32, false, 1, 0).flops()).isEqualTo(4.0 * 8);
        assertThat(new BenchCase(s, DType.F32, false, -1, 1).flops()).isEqualTo(4.0 * (4 + 5 + 6 + 6));
    }

    @Test
    void aWrongResultIsSeen() {
        BenchCase c = new BenchCase(BenchShape.parse("1x2x5x4"), DType.F32, true, -1, -1);
        float[] x = new float[40];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) Math.sin(i);
        }
        RowCheck check = new RowCheck(c, x, x, x);
        try (Backend cpu = Backends.open("cpu");
                Tensor t = cpu.copyOf(x, 1, 2, 5, 4);
                Tensor right = cpu.attend(t, t, t, c.attention())) {
            assertThat(check.worst(right)).isLessThan(1);
            float[] o = right.toFloatArray();
            o[3] += 0.01f;
            try (Tensor wrong = cpu.copyOf(o, 1, 2, 5, 4)) {
                assertThat(check.worst(wrong)).isGreaterThan(1);
            }
        }
    }

    @Test
    void wrongUse() {
        for (String args : List.of("--shape 1x1", "--dtype f64", "--window 1", "--time 0", "--device moon")) {
            Cli done = Cli.run(("bench " + args).split(" "));
            assertThat(done.code()).as(done.err()).isEqualTo(2);
        }
    }
}
