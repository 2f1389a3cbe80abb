package dev.fovea.opencl.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.DeviceLost;
import dev.fovea.api.FoveaException.KernelBuild;
import dev.fovea.api.FoveaException.OutOfDeviceMemory;
import dev.fovea.opencl.FirstDevice;
import dev.fovea.opencl.runtime.MatrixEngine.SelfTest;
import dev.fovea.opencl.runtime.MatrixEngine.Verdict;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class MatrixEngineTest {
    private static final SelfTest PASSES = _ -> Optional.empty();

    /** The first device as if it had the engine: nothing here runs on it. */
    private static DeviceContext hopper() {
        FoundDevice d = FirstDevice.device();
        FoundDevice like =
                new FoundDevice(d.platform, d.id, d.info(), d.roundedDivision, MatrixFacts.nvidia(90), d.registers());
        return DeviceContext.open(like, BinaryCache.none(), _ -> {});
    }

    @Test
    void aDeviceSaysWhatItHas() {
        assertThat(MatrixEngine.expected(MatrixFacts.nvidia(90))).isEqualTo("wgmma, tested at first use");
        assertThat(MatrixEngine.expected(MatrixFacts.nvidia(80))).isEqualTo("mma.sync, tested at first use");
        assertThat(MatrixEngine.expected(MatrixFacts.nvidia(100))).isEqualTo("mma.sync, tested at first use");
        assertThat(MatrixEngine.expected(MatrixFacts.nvidia(75))).isEqualTo("FMA");
        assertThat(MatrixEngine.expected(MatrixFacts.nvidia(0))).isEqualTo("FMA");
    }

    @Test
    void otherVendorsDevicesSayWhatTheyHaveAndThatItHasNotRun() {
        assertThat(MatrixEngine.expected(MatrixFacts.amd("gfx90a")))
                .startsWith("mfma, tested at first use; its kernels have not been run");
        assertThat(MatrixEngine.expected(MatrixFacts.amd("gfx942"))).startsWith("mfma");
        assertThat(MatrixEngine.expected(MatrixFacts.amd("gfx1100"))).startsWith("wmma");
        assertThat(MatrixEngine.expected(MatrixFacts.amd("gfx1151"))).startsWith("wmma");
        assertThat(MatrixEngine.expected(MatrixFacts.amd("gfx908"))).isEqualTo("FMA");
        assertThat(MatrixEngine.expected(MatrixFacts.amd("gfx1201"))).isEqualTo("FMA");
        assertThat(MatrixEngine.expected(MatrixFacts.intel(8))).startsWith("dpas8");
        assertThat(MatrixEngine.expected(MatrixFacts.intel(16))).startsWith("dpas16");
        assertThat(DeviceFacts.architecture("gfx90a:sramecc+:xnack-")).isEqualTo("gfx90a");
        assertThat(DeviceFacts.architecture("AMD Radeon RX 7900 XTX")).isEmpty();
        assertThat(DeviceFacts.least(new byte[0])).isZero();
    }

    @Test
    void oneTypeOfAnEngineCanBeRefused() {
        FoundDevice d = FirstDevice.device();
        FoundDevice cdna2 = new FoundDevice(
                d.platform, d.id, d.info(), d.roundedDivision, MatrixFacts.amd("gfx90a"), d.registers());
        try (DeviceContext context = DeviceContext.open(cdna2, BinaryCache.none(), _ -> {})) {
            assertThat(context.engine(MatrixEngine.MFMA, DType.F16, _ -> Optional.of("it lost numbers"))
                            .passed())
                    .isFalse();
            assertThat(context.engine(MatrixEngine.MFMA, DType.BF16, PASSES).passed())
                    .isTrue();
        }
    }

    @Test
    void anEngineThatIsNotThereIsNotTried() {
        FoundDevice d = FirstDevice.device();
        FoundDevice other =
                new FoundDevice(d.platform, d.id, d.info(), d.roundedDivision, MatrixFacts.nvidia(80), d.registers());
        try (DeviceContext context = DeviceContext.open(other, BinaryCache.none(), _ -> {})) {
            Verdict verdict = context.engine(MatrixEngine.WGMMA, PASSES);
            assertThat(verdict.refusal()).hasValue(d.info().id() + " has no wgmma");
        }
    }

    @Test
    void manyThreadsShareOneTest() throws Exception {
        AtomicInteger tests = new AtomicInteger();
        SelfTest counting = _ -> {
            tests.incrementAndGet();
            return Optional.empty();
        };
        try (DeviceContext context = hopper();
                ExecutorService pool = Executors.newFixedThreadPool(4)) {
            Callable<Verdict> ask = () -> context.engine(MatrixEngine.WGMMA, counting);
            for (Future<Verdict> f : pool.invokeAll(List.of(ask, ask, ask, ask))) {
                assertThat(f.get().passed()).isTrue();
            }
        }
        assertThat(tests).hasValue(1);
    }

    @Test
    void aTestThatFailsKeepsItsReason() {
        try (DeviceContext context = hopper()) {
            Verdict first = context.engine(MatrixEngine.WGMMA, _ -> Optional.of("row 3 is wrong"));
            assertThat(first.refusal()).hasValue("row 3 is wrong");
            assertThat(context.engine(MatrixEngine.WGMMA, PASSES)).isEqualTo(first);
        }
        try (DeviceContext context = hopper()) {
            Verdict spilled = context.engine(MatrixEngine.WGMMA, _ -> {
                throw new KernelBuild("attention", "here", "16 bytes spill stores");
            });
            assertThat(spilled.refusal().orElseThrow())
                    .isEqualTo("its self-test does not build: 16 bytes spill stores");
        }
    }

    @Test
    void aTestThatLostTheDeviceIsNotTriedInTheNextContext() {
        DeviceContext first = hopper();
        Verdict lost = first.engine(MatrixEngine.WGMMA, c -> {
            c.markLost("a fault");
            throw new DeviceLost("here", "a fault");
        });
        assertThat(lost.passed()).isFalse();
        first.close();
        try (DeviceContext next = DeviceContext.open(first.device(), BinaryCache.none(), _ -> {})) {
            assertThat(next.engine(MatrixEngine.WGMMA, PASSES)).isEqualTo(lost);
        }
    }

    @Test
    void fullMemorySaysNothingOfTheEngine() {
        try (DeviceContext context = hopper()) {
            assertThatThrownBy(() -> context.engine(MatrixEngine.WGMMA, _ -> {
                        throw new OutOfDeviceMemory("here", 1, 0, "close something");
                    }))
                    .isInstanceOf(OutOfDeviceMemory.class);
            assertThat(context.engine(MatrixEngine.WGMMA, PASSES).passed()).isTrue();
        }
    }
}
