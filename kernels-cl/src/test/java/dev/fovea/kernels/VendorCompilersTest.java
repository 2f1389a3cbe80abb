package dev.fovea.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.Masks;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.QueryOffset;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * tile_attention.cl by the compilers of the vendors, which need no GPU: Debian's clang-16 for AMD, ocloc for Intel. Nothing runs. Clang
 * tells registers and scratch; ocloc says only whether something was spilled.
 */
class VendorCompilersTest {
    private static final String CLANG = "clang-16";
    private static final String OCLOC = "ocloc";

    @TempDir
    private Path folder;

    private static AttentionSpec spec(DType storage, int dim, Expr score, Expr mask) {
        return new AttentionSpec(
                storage,
                dim,
                dim,
                4,
                2,
                2,
                Expressions.score(),
                score,
                mask,
                QueryOffset.TOP_LEFT,
                true,
                false,
                true,
                true,
                Optional.empty());
    }

    private static AttentionSpec causal(DType storage, int dim) {
        return spec(storage, dim, Expressions.score(), Expressions.causal());
    }

    /** What the kernels of an engine are compiled as: its self-test too. */
    static Stream<KernelSource> kernels(TileEngine engine) {
        Stream<AttentionSpec> specs = Stream.of(
                causal(DType.BF16, 64),
                causal(DType.F16, 128),
                causal(DType.BF16, 256),
                spec(DType.BF16, 128, Expressions.score().plus(Expressions.alibi()), Masks.documents()));
        return Stream.concat(
                Stream.of(Kernels.tileTest(engine, false, DType.F16)),
                specs.filter(s -> TileVariant.takes(engine, s))
                        .map(s -> Kernels.tile(TileVariant.of(engine, false, s), s)));
    }

    static Stream<KernelSource> mfma() {
        return kernels(TileEngine.MFMA);
    }

    static Stream<KernelSource> wmma() {
        return kernels(TileEngine.WMMA);
    }

    static Stream<KernelSource> dpas8() {
        return kernels(TileEngine.DPAS8);
    }

    static Stream<KernelSource> dpas16() {
        return kernels(TileEngine.DPAS16);
    }

    @ParameterizedTest
    @MethodSource("mfma")
    void forCdna(KernelSource kernel) throws Exception {
        String assembly = amd(kernel, "gfx90a");
        assertThat(assembly).contains("v_mfma_f32_16x16x16");
        checkScratch(assembly);
    }

    @ParameterizedTest
    @MethodSource("wmma")
    void forRdna3(KernelSource kernel) throws Exception {
        String assembly = amd(kernel, "gfx1100");
        assertThat(assembly).contains("v_wmma_f32_16x16x16");
        checkScratch(assembly);
    }

    @ParameterizedTest
    @MethodSource("dpas8")
    void forIntelWithSubGroupsOfEight(KernelSource kernel) throws Exception {
        intel(kernel, "dg2");
    }

    @ParameterizedTest
    @MethodSource("dpas16")
    void forIntelWithSubGroupsOf16(KernelSource kernel) throws Exception {
        intel(kernel, "pvc");
    }

    private String amd(KernelSource kernel, String architecture) throws Exception {
        assumeInstalled(CLANG);
        Path prelude = folder.resolve("amd_builtins.h");
        try (InputStream in = Objects.requireNonNull(VendorCompilersTest.class.getResourceAsStream("amd_builtins.h"))) {
            Files.copy(in, prelude);
        }
        Path source = Files.writeString(folder.resolve("kernel.cl"), kernel.text());
        Path assembly = folder.resolve("kernel.s");
        run(
                CLANG,
                "-x",
                "cl",
                "-cl-std=CL1.2",
                "-target",
                "amdgcn-amd-amdhsa",
                "-mcpu=" + architecture,
                "-nogpulib",
                "-Xclang",
                "-finclude-default-header",
                "-include",
                prelude.toString(),
                "-O3",
                "-w",
                "-S",
                source.toString(),
                "-o",
                assembly.toString());
        return Files.readString(assembly);
    }

    /** Nothing of a work-item in memory, and nothing called, which would hide what that takes. Scalars may be put into vector registers. */
    private static void checkScratch(String assembly) {
        assertThat(number(assembly, "private_segment_fixed_size")).isZero();
        assertThat(number(assembly, "vgpr_spill_count")).isZero();
        assertThat(assembly).doesNotContain("s_swappc");
    }

    private static int number(String assembly, String name) {
        Matcher m = Pattern.compile("\\." + name + ": *(\\d+)").matcher(assembly);
        assertThat(m.find()).as(name).isTrue();
        return Integer.parseInt(m.group(1));
    }

    private void intel(KernelSource kernel, String device) throws Exception {
        assumeInstalled(OCLOC);
        assertThat(kernel.target()).isEqualTo(KernelSource.Target.LARGE_REGISTERS);
        Path source = Files.writeString(folder.resolve("kernel.cl"), kernel.text());
        // this version of ocloc declares the functions only if told that the device has them
        String options = "-cl-std=CL1.2 -cl-intel-256-GRF-per-thread -Dcl_intel_subgroup_matrix_multiply_accumulate=1";
        String log = run(
                OCLOC,
                "compile",
                "-file",
                source.toString(),
                "-device",
                device,
                "-out_dir",
                folder.toString(),
                "-options",
                options);
        assertThat(log).doesNotContain("spilled");
    }

    private static void assumeInstalled(String tool) {
        boolean there =
                Stream.of(System.getenv("PATH").split(":", -1)).anyMatch(f -> Files.isExecutable(Path.of(f, tool)));
        Assumptions.assumeTrue(there, tool + " is not installed");
    }

    private String run(String... command) throws IOException, InterruptedException {
        Path log = folder.resolve("log");
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        if (!process.waitFor(120, TimeUnit.SECONDS)) {
            process.destroyForcibly();
        }
        String text = Files.readString(log, StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(text).isZero();
        return text;
    }
}
