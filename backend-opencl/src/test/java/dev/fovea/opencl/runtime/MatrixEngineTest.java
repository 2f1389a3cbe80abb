package dev.fovea.opencl.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
        FoundDevice like = new FoundDevice(d.platform, d.id, d.info(), d.roundedDivision, 90, d.registers());
        return DeviceContext.open(like, BinaryCache.none(), _ -> {});
    }

    @Test
    void aDeviceSaysWhatItHas() {
        assertThat(MatrixEngine.expected(90)).isEqualTo("wgmma, tested at first use");
        assertThat(MatrixEngine.expected(80)).isEqualTo("mma.sync, tested at first use");
        assertThat(MatrixEngine.expected(100)).isEqualTo("mma.sync, tested at first use");
        assertThat(MatrixEngine.expected(75)).isEqualTo("FMA");
        assertThat(MatrixEngine.expected(0)).isEqualTo("FMA");
    }

    @Test
    void anEngineThatIsNotThereIsNotTried() {
        FoundDevice d = FirstDevice.device();
        FoundDevice other = new FoundDevice(d.platform, d.id, d.info(), d.roundedDivision, 80, d.registers());
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
            assertThat(spilled.refusal().orElseThrow()).contains("self-test failed", "16 bytes spill stores");
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
