package dev.fovea.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.FoveaException.DeviceNotFound;
import dev.fovea.api.FoveaException.OutOfDeviceMemory;
import dev.fovea.api.spi.BackendProvider;
import dev.fovea.api.spi.DeviceBackend;
import dev.fovea.api.spi.DeviceReport;
import dev.fovea.api.spi.Storage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;

class CpuBackendTest {
    private static DeviceBackend open() {
        return CpuProvider.open(2, KernelSet.choose());
    }

    @Test
    void isFoundAndSaysWhatItIs() {
        List<String> names = ServiceLoader.load(BackendProvider.class).stream()
                .map(p -> p.get().name())
                .toList();
        assertThat(names).contains("cpu");
        assertThat(new CpuProvider().probe()).singleElement().satisfies(r -> {
            var info = ((DeviceReport.Available) r).info();
            assertThat(info.id()).isEqualTo("cpu");
            assertThat(info.name()).isNotBlank();
            assertThat(info.memoryBytes()).isPositive();
            assertThat(info.computeUnits()).isPositive();
            List<String> advice = info.vectorBits() == 0 ? VectorGate.refusals() : VectorGate.advice();
            assertThat(info.notes()).isEqualTo(advice);
            assertThat(info.vectorBits() > 0 || !advice.isEmpty()).isTrue();
        });
        assertThatThrownBy(() -> new CpuProvider().open("cpu/1")).isInstanceOf(DeviceNotFound.class);
    }

    @Test
    void memoryIsAlignedCountedAndFreedOnce() {
        DeviceBackend cpu = open();
        Storage a = cpu.allocate(1000);
        Storage empty = cpu.allocate(0);
        assertThat(((CpuStorage) a).segment().address() % 64).isZero();
        assertThat(empty.byteSize()).isZero();
        assertThat(cpu.allocatedBytes()).isEqualTo(1000);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment four = arena.allocateFrom(ValueLayout.JAVA_INT, 7);
            a.write(8, four);
            MemorySegment back = arena.allocate(4);
            a.read(8, back);
            assertThat(back.get(ValueLayout.JAVA_INT, 0)).isEqualTo(7);
            Storage wrapped = cpu.wrap(four);
            assertThat(cpu.allocatedBytes()).isEqualTo(1000);
            wrapped.free();
            assertThat(four.get(ValueLayout.JAVA_INT, 0)).isEqualTo(7);
        }
        a.free();
        a.free();
        empty.free();
        assertThat(cpu.allocatedBytes()).isZero();
        Storage late = cpu.allocate(64);
        cpu.close();
        cpu.close();
        late.free();
        assertThatThrownBy(() -> cpu.allocate(1)).isInstanceOf(Closed.class);
        assertThatThrownBy(cpu::newStream).isInstanceOf(Closed.class);
    }

    @Test
    void refusesWhatDoesNotFit() {
        try (DeviceBackend cpu = open()) {
            assertThatThrownBy(() -> cpu.allocate(1L << 50)).isInstanceOfSatisfying(OutOfDeviceMemory.class, e -> {
                assertThat(e.askedBytes()).isEqualTo(1L << 50);
                assertThat(e.freeBytes()).isPositive();
            });
            cpu.allocate(1 << 20).free();
        }
    }

    @Test
    void aFailureInAWorkerReachesTheCallerAndThePoolLivesOn() {
        try (WorkerPool pool = new WorkerPool(3)) {
            for (int round = 0; round < 50; round++) {
                assertThatThrownBy(() -> pool.run(100, next -> {
                            for (long i = next.next(); i >= 0; i = next.next()) {
                                if (i == 37) {
                                    throw new IllegalStateException("37");
                                }
                            }
                        }))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage("37");
                int[] done = new int[100];
                pool.run(100, next -> {
                    for (long i = next.next(); i >= 0; i = next.next()) {
                        done[(int) i]++;
                    }
                });
                assertThat(done).containsOnly(1);
            }
            pool.run(0, next -> assertThat(next.next()).isNegative());
        }
    }
}
