package dev.fovea.opencl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.Attention;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.ExecutionStream;
import dev.fovea.api.FoveaException.DeviceLost;
import dev.fovea.api.FoveaException.OutOfDeviceMemory;
import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spi.BuildCount;
import dev.fovea.api.spi.Profiled;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class OpenClBackendTest {
    private static final float[] ONES = {1, 1, 1, 1, 1, 1, 1, 1};

    private static Tensor ones(Backend fovea) {
        return fovea.copyOf(ONES, 1, 1, 2, 4);
    }

    @Test
    void aLostDeviceLosesItsTensorsAndTheBackendLivesOn() {
        try (Backend fovea = FirstDevice.open();
                Tensor old = ones(fovea);
                Tensor first = fovea.attend(old, old, old, Attention.full())) {
            assertThat(first.toFloatArray()).containsExactly(ONES);
            OpenClBackend device = fovea.capability(OpenClBackend.class).orElseThrow();
            device.context().markLost("a test says so");
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(old::toFloatArray)
                        .isInstanceOf(DeviceLost.class)
                        .hasMessageContaining("a test says so");
                assertThatThrownBy(() ->
                                fovea.attend(old, old, old, Attention.full()).close())
                        .isInstanceOf(DeviceLost.class);
            }
            try (Tensor fresh = ones(fovea);
                    Tensor again = fovea.attend(fresh, fresh, fresh, Attention.full())) {
                assertThat(again.toFloatArray()).containsExactly(ONES);
                assertThatThrownBy(() -> fovea.attend(fresh, old, fresh, Attention.full())
                                .close())
                        .isInstanceOf(DeviceLost.class);
            }
        }
    }

    @Test
    void tooMuchMemoryIsSaidBeforehand() {
        try (Backend fovea = FirstDevice.open()) {
            long most = fovea.info().maxAllocationBytes();
            assertThatThrownBy(() -> fovea.allocate(DType.F32, most / 4 + 1))
                    .isInstanceOf(OutOfDeviceMemory.class)
                    .hasMessageContaining("split it");
            assertThat(fovea.allocatedBytes()).isZero();
            try (Tensor t = ones(fovea)) {
                assertThat(fovea.allocatedBytes()).isEqualTo(4L * ONES.length);
                assertThat(t.toFloatArray()).containsExactly(ONES);
            }
            assertThat(fovea.allocatedBytes()).isZero();
        }
    }

    @Test
    void tensorsMayBeClosedAfterTheBackend() {
        Tensor late;
        try (Backend fovea = FirstDevice.open()) {
            late = ones(fovea);
        }
        late.close();
        late.close();
    }

    @Test
    void hostMemoryCannotBeWrapped() {
        try (Backend fovea = FirstDevice.open();
                Arena arena = Arena.ofConfined()) {
            assertThatThrownBy(() -> fovea.wrap(arena.allocate(64, 64), DType.F32, 16))
                    .isInstanceOf(Unsupported.class)
                    .hasMessageContaining("copyOf");
        }
    }

    @Test
    void equalSourcesShareABuild() {
        try (Backend fovea = FirstDevice.open();
                Tensor t = ones(fovea)) {
            fovea.attend(t, t, t, Attention.causal()).close();
            BuildCount count = fovea.capability(BuildCount.class).orElseThrow();
            long before = count.kernelBuilds();
            fovea.attendAll(t, t, t, Attention.causal().logSumExp().keyLengths(1))
                    .close();
            assertThat(count.kernelBuilds()).isEqualTo(before);
        }
    }

    @Test
    void aListenerHearsOfEachBuild() {
        try (Backend fovea = FirstDevice.open();
                Tensor t = ones(fovea)) {
            List<BuildCount.Built> heard = new ArrayList<>();
            BuildCount count = fovea.capability(BuildCount.class).orElseThrow();
            count.onBuild(heard::add);
            fovea.attend(t, t, t, Attention.causal()).close();
            fovea.attend(t, t, t, Attention.causal()).close();
            assertThat(heard).extracting(BuildCount.Built::kernel).contains("attention");
            assertThat(heard).allMatch(b -> b.seconds() > 0);
            assertThat(heard.stream().filter(b -> !b.cached())).hasSize((int) count.kernelBuilds());
        }
    }

    @Test
    void aProfiledStreamKnowsTheTimeOfItsLastRun() {
        try (Backend fovea = FirstDevice.open();
                Tensor t = ones(fovea);
                Tensor o = fovea.allocate(DType.F32, 1, 1, 2, 4);
                ExecutionStream stream = fovea.newStream()) {
            Profiled profiled = (Profiled) stream;
            assertThat(profiled.lastRunNanos()).isEqualTo(-1);
            profiled.profile(true);
            try (var plan = fovea.prepare(Attention.full().spec(t, t, t))) {
                plan.run(new AttentionArguments(t, t, t, o), stream);
            }
            assertThat(profiled.lastRunNanos()).isNotZero();
            assertThat(o.toFloatArray()).containsExactly(ONES);
        }
    }

    @Test
    void threadsShareABackendAndAPlan() throws Exception {
        FirstDevice.assumeThreadSafe();
        try (Backend fovea = FirstDevice.open();
                ExecutorService pool = Executors.newFixedThreadPool(4)) {
            List<Future<Boolean>> all = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                float value = i + 1;
                all.add(pool.submit(() -> {
                    for (int round = 0; round < 20; round++) {
                        try (Tensor q = ones(fovea);
                                Tensor v = fovea.copyOf(new float[] {value, value}, 1, 1, 2, 1);
                                Tensor o = fovea.attend(q, q, v, Attention.full())) {
                            assertThat(o.toFloatArray()).containsExactly(value, value);
                        }
                    }
                    return true;
                }));
            }
            for (Future<Boolean> f : all) {
                assertThat(f.get()).isTrue();
            }
        }
    }
}
