package dev.fovea.opencl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.DType;
import dev.fovea.kernels.KernelSource;
import dev.fovea.kernels.KernelSource.Target;
import dev.fovea.kernels.Kernels;
import dev.fovea.kernels.TileEngine;
import dev.fovea.opencl.runtime.BinaryCache;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceLike;
import dev.fovea.opencl.runtime.DeviceStorage;
import dev.fovea.opencl.runtime.DeviceStream;
import dev.fovea.opencl.runtime.FoundDevice;
import dev.fovea.opencl.runtime.KernelArgument.Memory;
import dev.fovea.opencl.runtime.Launch;
import dev.fovea.opencl.runtime.MatrixEngine;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The matrix units of AMD and Intel emulated on the first device: that their self-test passes, and what it would find. */
class TileEngineTest {
    private static DeviceContext context() {
        return DeviceContext.open(FirstDevice.device(), BinaryCache.none(), _ -> {});
    }

    @ParameterizedTest
    @EnumSource
    void theSelfTestPasses(TileEngine engine) {
        try (DeviceContext context = context()) {
            assertThat(EngineSelfTests.tile(context, engine, true, DType.BF16)).isEmpty();
            assertThat(EngineSelfTests.tile(context, engine, true, DType.F16)).isEmpty();
        }
    }

    /** Places in the emulation where a unit could do otherwise than its header says. */
    private static final Map<String, String> FAULTS = Map.of(
            "LEFT_AT_ROW(lane, i) * BLOCK_DEPTH", "(LEFT_AT_ROW(lane, i) ^ 1) * BLOCK_DEPTH",
            "LEFT_AT_DEPTH(lane, i)]", "(LEFT_AT_DEPTH(lane, i) ^ 1)]",
            "RIGHT_AT_COLUMN(lane, i) * BLOCK_DEPTH", "(RIGHT_AT_COLUMN(lane, i) ^ 1) * BLOCK_DEPTH",
            "RIGHT_AT_DEPTH(lane, i)]", "(RIGHT_AT_DEPTH(lane, i) ^ 1)]",
            "SUM_AT_ROW(lane, i) * BLOCK_DEPTH", "(SUM_AT_ROW(lane, i) ^ 1) * BLOCK_DEPTH",
            "SUM_AT_COLUMN(lane, i) * BLOCK_DEPTH", "(SUM_AT_COLUMN(lane, i) ^ 1) * BLOCK_DEPTH");

    @ParameterizedTest
    @EnumSource
    void theSelfTestFindsEveryOtherLayout(TileEngine engine) {
        KernelSource right = Kernels.tileTest(engine, true, DType.BF16);
        try (DeviceContext context = context()) {
            FAULTS.forEach((place, fault) -> {
                assertThat(right.text()).contains(place);
                assertThat(refusal(context, engine, right, place, fault))
                        .as(fault)
                        .contains("are wrong");
            });
        }
    }

    /** As the matrix units of gfx90a do in f16. */
    @ParameterizedTest
    @EnumSource
    void theSelfTestFindsLostSubnormalNumbers(TileEngine engine) {
        String place = "return vload_half(0, (const half *)&bits);";
        KernelSource right = Kernels.tileTest(engine, true, DType.F16);
        try (DeviceContext context = context()) {
            assertThat(right.text()).contains(place);
            assertThat(refusal(context, engine, right, place, "if ((bits & 0x7c00) == 0) return 0.0f;\n" + place))
                    .contains("are wrong");
        }
    }

    private static String refusal(
            DeviceContext context, TileEngine engine, KernelSource right, String place, String fault) {
        String text = right.text().replace(place, fault);
        KernelSource wrong = new KernelSource(right.entry(), text, List.of(), List.of(), List.of(), right.target());
        int workItems = Kernels.TILE_TEST_SUB_GROUPS * engine.lanes();
        return EngineSelfTests.wrong(context, wrong, Kernels.TILE_TEST_BYTES, workItems)
                .orElse("passed");
    }

    @Test
    void aDriverThatDoesNotKnowTheInstructionsGetsThePortableKernel() {
        FoundDevice like = DeviceLike.amd(FirstDevice.device(), "gfx90a");
        try (DeviceContext context = DeviceContext.open(like, BinaryCache.none(), _ -> {})) {
            assertThat(EngineSelfTests.verdict(MatrixEngine.MFMA, DType.BF16, context)
                            .refusal()
                            .orElseThrow())
                    .startsWith("its self-test does not build: ");
            assertThat(EngineSelfTests.report(context))
                    .startsWith("FMA (mfma in BF16 refused: ")
                    .contains("mfma in F16 refused: ");
        }
    }

    /** Where vendors' documents put a number. */
    private record Layout(int lanes, int rows, int columns, Place left, Place right, Place sums) {}

    /** Lane and index in the lane of the number at a row and column; {@code copy}: of those that are held more than once. */
    private interface Place {
        int[] of(int row, int column, int copy);
    }

    /**
     * By row and column, as the documents have it: AMD's matrix instruction calculator (v_mfma_f32_16x16x16 of CDNA2 and CDNA3,
     * v_wmma_f32_16x16x16 of RDNA3), and the text of Intel's cl_intel_subgroup_matrix_multiply_accumulate.
     */
    private static Layout documented(TileEngine engine) {
        return switch (engine) {
            case MFMA ->
                new Layout(
                        64,
                        16,
                        16,
                        (m, k, _) -> new int[] {16 * (k / 4) + m, k % 4},
                        (k, n, _) -> new int[] {16 * (k / 4) + n, k % 4},
                        (m, n, _) -> new int[] {16 * (m / 4) + n, m % 4});
            case WMMA ->
                new Layout(
                        32,
                        16,
                        16,
                        (m, k, copy) -> new int[] {16 * copy + m, k},
                        (k, n, copy) -> new int[] {16 * copy + n, k},
                        (m, n, _) -> new int[] {16 * (m % 2) + n, m / 2});
            case DPAS8 ->
                new Layout(
                        8,
                        8,
                        8,
                        (m, k, _) -> new int[] {k / 2, 2 * m + k % 2},
                        (k, n, _) -> new int[] {n, k},
                        (m, n, _) -> new int[] {n, m});
            case DPAS16 ->
                new Layout(16, 8, 16, (m, k, _) -> new int[] {k, m}, (k, n, _) -> new int[] {n, k}, (m, n, _) ->
                        new int[] {n, m});
        };
    }

    private static final String PRINT = """
            __kernel void layout(__global int *to) {
              for (int lane = 0; lane < HARDWARE_LANES; lane++) {
                for (int i = 0; i < 16; i++) {
                  __global int *const at = to + (lane * 16 + i) * 8;
                  at[0] = LEFT_AT_ROW(lane, i);
                  at[1] = LEFT_AT_DEPTH(lane, i);
                  at[2] = RIGHT_AT_DEPTH(lane, i);
                  at[3] = RIGHT_AT_COLUMN(lane, i);
                  at[4] = SUM_AT_ROW(lane, i);
                  at[5] = SUM_AT_COLUMN(lane, i);
                  at[6] = SUM_ROW(lane, i);
                  at[7] = SUM_COLUMN(lane);
                }
              }
            }
            """;

    @ParameterizedTest
    @EnumSource
    void layoutsAreTheDocumentedOnes(TileEngine engine) {
        Layout d = documented(engine);
        int[] all = new int[d.lanes * 16 * 8];
        String text = Kernels.tileTest(engine, true, DType.BF16).text() + PRINT;
        KernelSource source = new KernelSource("layout", text, List.of(), List.of(), List.of(), Target.EMULATED);
        try (DeviceContext context = context();
                ContextKernel kernel = new ContextKernel(source);
                DeviceStream stream = new DeviceStream()) {
            DeviceStorage to = context.allocate((long) all.length * Integer.BYTES);
            stream.run(context, List.of(new Launch(kernel.in(context), List.of(new Memory(to)), 1, 1)));
            to.read(0, MemorySegment.ofArray(all));
            to.free();
        }
        assertThat(engine.lanes()).isEqualTo(d.lanes);
        int copies = engine == TileEngine.WMMA ? 2 : 1;
        for (int copy = 0; copy < copies; copy++) {
            check(all, d.rows, 16, d.left, copy, 0, 1);
            check(all, 16, d.columns, d.right, copy, 2, 3);
        }
        check(all, d.rows, d.columns, d.sums, 0, 4, 5);
        check(all, d.rows, d.columns, d.sums, 0, 6, 7);
    }

    private static void check(int[] all, int rows, int columns, Place place, int copy, int rowField, int columnField) {
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < columns; c++) {
                int[] at = place.of(r, c, copy);
                int first = (at[0] * 16 + at[1]) * 8;
                assertThat(new int[] {all[first + rowField], all[first + columnField]})
                        .as("lane %d, number %d", at[0], at[1])
                        .containsExactly(r, c);
            }
        }
    }
}
