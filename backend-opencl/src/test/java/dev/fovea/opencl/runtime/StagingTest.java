package dev.fovea.opencl.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.opencl.FirstDevice;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class StagingTest {
    private static final int CHUNK = 4096;

    private static byte[] numbers(int n, int seed) {
        byte[] bytes = new byte[n];
        for (int i = 0; i < n; i++) {
            bytes[i] = (byte) (i * 31 + i / 251 + seed);
        }
        return bytes;
    }

    @Test
    void everySizeAroundAChunkArrivesAndNothingElseChanges() {
        try (DeviceContext context = FirstDevice.context(BinaryCache.none(), new AtomicLong())) {
            Staging staging = new Staging(context, CHUNK, 1);
            int room = 4 * CHUNK;
            for (int size :
                    new int[] {0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, 3 * CHUNK + 5
                    }) {
                DeviceStorage storage = context.allocate(room);
                storage.write(0, MemorySegment.ofArray(new byte[room]));
                byte[] data = numbers(size, size);
                staging.write(storage.handle(), 100, MemorySegment.ofArray(data));
                byte[] expected = new byte[room];
                System.arraycopy(data, 0, expected, 100, size);
                byte[] all = new byte[room];
                storage.read(0, MemorySegment.ofArray(all));
                assertThat(all).as("written " + size).isEqualTo(expected);
                byte[] back = new byte[size + 2];
                staging.read(storage.handle(), 100, MemorySegment.ofArray(back).asSlice(1, size));
                byte[] fenced = new byte[size + 2];
                System.arraycopy(data, 0, fenced, 1, size);
                assertThat(back).as("read " + size).isEqualTo(fenced);
                storage.free();
            }
        }
    }

    @Test
    void severalCopiersAndConfinedMemoryGiveTheSame() {
        int size = (3 << 20) + 12345;
        try (DeviceContext context = FirstDevice.context(BinaryCache.none(), new AtomicLong());
                Arena arena = Arena.ofConfined()) {
            Staging staging = new Staging(context, 1 << 20, 4);
            DeviceStorage storage = context.allocate(size);
            byte[] data = numbers(size, 3);
            staging.write(storage.handle(), 0, MemorySegment.ofArray(data));
            byte[] back = new byte[size];
            staging.read(storage.handle(), 0, MemorySegment.ofArray(back));
            assertThat(back).isEqualTo(data);
            MemorySegment confined = arena.allocate(size);
            staging.read(storage.handle(), 0, confined);
            assertThat(confined.mismatch(MemorySegment.ofArray(data))).isEqualTo(-1);
            storage.free();
        }
    }

    /** The device of the tests as if its memory were its own. */
    private static DeviceContext discrete() {
        FoundDevice d = FirstDevice.device();
        DeviceInfo i = d.info();
        DeviceInfo gpu = new DeviceInfo(
                i.id(),
                DeviceInfo.Kind.GPU,
                i.name(),
                i.platform(),
                i.driver(),
                i.memoryBytes(),
                i.maxAllocationBytes(),
                i.localMemoryBytes(),
                i.maxWorkGroup(),
                i.computeUnits(),
                i.vectorBits(),
                i.halfArithmetic(),
                i.subgroups(),
                i.integerDot(),
                i.matrixEngine(),
                i.rank(),
                i.notes());
        return DeviceContext.open(
                new FoundDevice(d.platform, d.id, gpu, d.roundedDivision, MatrixFacts.NONE, d.registers()),
                BinaryCache.none(),
                _ -> {});
    }

    @Test
    void tensorsOfAGpuGoThroughIt() {
        try (DeviceContext context = discrete()) {
            assertThat(context.staging()).isNotNull();
            int size = 2 * Staging.CHUNK_BYTES + 7;
            DeviceStorage storage = context.allocate(size);
            byte[] data = numbers(size, 5);
            storage.write(0, MemorySegment.ofArray(data));
            byte[] back = new byte[size];
            storage.read(0, MemorySegment.ofArray(back));
            assertThat(back).isEqualTo(data);
            assertThat(context.liveBytes()).isEqualTo(size);
            storage.free();
        }
        try (DeviceContext context = FirstDevice.context(BinaryCache.none(), new AtomicLong())) {
            assertThat(context.staging() == null)
                    .isEqualTo(context.device().info().kind() == DeviceInfo.Kind.OPENCL_CPU);
        }
    }

    @Test
    void threadsTakeTurns() throws Exception {
        FirstDevice.assumeThreadSafe();
        try (DeviceContext context = discrete();
                ExecutorService pool = Executors.newFixedThreadPool(4)) {
            List<Callable<Boolean>> all = new ArrayList<>();
            for (int t = 0; t < 8; t++) {
                byte[] data = numbers(Staging.CHUNK_BYTES + 100 * t, t);
                all.add(() -> {
                    DeviceStorage storage = context.allocate(data.length);
                    storage.write(0, MemorySegment.ofArray(data));
                    byte[] back = new byte[data.length];
                    storage.read(0, MemorySegment.ofArray(back));
                    storage.free();
                    return Arrays.equals(back, data);
                });
            }
            for (Future<Boolean> same : pool.invokeAll(all)) {
                assertThat(same.get()).isTrue();
            }
        }
    }
}
