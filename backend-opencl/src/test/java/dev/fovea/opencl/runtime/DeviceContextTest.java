package dev.fovea.opencl.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.FoveaException.KernelBuild;
import dev.fovea.kernels.KernelSource;
import dev.fovea.opencl.FirstDevice;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeviceContextTest {
    private static final String FILL =
            "__kernel void fill(__global int *to, int value) { to[get_global_id(0)] = value; }\n";

    private static int run(DeviceContext context, String source, int value) {
        DeviceStorage to = context.allocate(16);
        try (Kernel kernel = context.programs().kernel(source, "fill");
                DeviceStream stream = new DeviceStream()) {
            stream.run(
                    context,
                    List.of(new Launch(
                            kernel, List.of(new KernelArgument.Memory(to), KernelArgument.Value.of(value)), 2, 2)));
            int[] back = new int[4];
            to.read(0, MemorySegment.ofArray(back));
            return back[3];
        } finally {
            to.free();
        }
    }

    @Test
    void heapAndNativeMemoryIsMovedWithItsOffsets() {
        try (DeviceContext context = FirstDevice.context(BinaryCache.none(), new AtomicLong());
                Arena arena = Arena.ofConfined()) {
            DeviceStorage s = context.allocate(40);
            int[] ten = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
            s.write(0, MemorySegment.ofArray(ten));
            int[] part = new int[8];
            s.read(12, MemorySegment.ofArray(part).asSlice(4, 16));
            assertThat(part).containsExactly(0, 3, 4, 5, 6, 0, 0, 0);
            MemorySegment direct = arena.allocate(64);
            s.read(4, direct.asSlice(8, 8));
            assertThat(direct.get(ValueLayout.JAVA_INT, 8)).isEqualTo(1);
            assertThat(direct.get(ValueLayout.JAVA_INT, 12)).isEqualTo(2);
            direct.set(ValueLayout.JAVA_INT, 20, 77);
            s.write(36, direct.asSlice(20, 4));
            s.read(0, MemorySegment.ofArray(ten));
            assertThat(ten[9]).isEqualTo(77);
            assertThatThrownBy(() -> s.read(36, MemorySegment.ofArray(new int[2])))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            s.free();
        }
    }

    @Test
    void piecesOfStagedTransfersMeet() {
        try (DeviceContext context = FirstDevice.context(BinaryCache.none(), new AtomicLong())) {
            int[] data = new int[(16 << 20) / 4 + 1000];
            java.util.Arrays.setAll(data, i -> i);
            DeviceStorage s = context.allocate(4L * data.length);
            s.write(0, MemorySegment.ofArray(data));
            int[] back = new int[data.length];
            s.read(0, MemorySegment.ofArray(back));
            assertThat(back).isEqualTo(data);
            s.free();
        }
    }

    @Test
    void memoryOfClosedTensorsIsUsedAgainOnceItsWorkIsDone() {
        String slow = """
                __kernel void slow(__global int *to, uint rounds) {
                  uint x = 1;
                  for (uint i = 0; i < rounds; i++) x = x * 1664525u + 1013904223u + (x >> 7);
                  to[get_global_id(0)] = x == 0 ? 1 : 7;
                }
                """;
        try (DeviceContext context = FirstDevice.context(BinaryCache.none(), new AtomicLong());
                Kernel kernel = context.programs().kernel(slow, "slow");
                DeviceStream stream = new DeviceStream()) {
            DeviceStorage first = context.allocate(1000);
            long handle = first.rawHandle();
            stream.run(
                    context,
                    List.of(new Launch(
                            kernel,
                            List.of(new KernelArgument.Memory(first), KernelArgument.Value.of(10_000_000)),
                            1,
                            4)));
            first.free();
            assertThat(context.liveBytes()).isZero();
            assertThat(context.spareBytes()).isEqualTo(1000);
            DeviceStorage beside = context.allocate(1000); // the run is not known to be done
            assertThat(beside.rawHandle()).isNotEqualTo(handle);
            assertThat(context.spareBytes()).isEqualTo(1000);
            stream.await();
            DeviceStorage other = context.allocate(1001);
            assertThat(context.spareBytes()).isEqualTo(1000);
            DeviceStorage again = context.allocate(1000);
            assertThat(again.rawHandle()).isEqualTo(handle);
            assertThat(context.spareBytes()).isZero();
            assertThat(context.liveBytes()).isEqualTo(3001);
            assertThatThrownBy(first::rawHandle).isInstanceOf(Closed.class);
            first.free();
            assertThat(context.liveBytes()).isEqualTo(3001);
            again.share(stream);
            again.free(); // whoever it was shared with may hold it
            assertThat(context.spareBytes()).isZero();
            beside.free();
            other.free();
            assertThat(context.liveBytes()).isZero();
            assertThat(context.spareBytes()).isEqualTo(2001);
        }
    }

    @Test
    void spareMemoryHasALimit() {
        try (DeviceContext context = FirstDevice.context(BinaryCache.none(), new AtomicLong())) {
            SpareBuffers spares = new SpareBuffers(100);
            DeviceStorage[] some = new DeviceStorage[4];
            for (int i = 0; i < some.length; i++) {
                some[i] = context.allocate(i == 3 ? 101 : 40);
            }
            assertThat(spares.give(some[0])).isTrue();
            assertThat(spares.give(some[1])).isTrue();
            assertThat(spares.give(some[3])).isFalse();
            assertThat(spares.take(39)).isNull();
            assertThat(spares.give(some[2])).isTrue(); // the others go
            assertThat(spares.bytes()).isEqualTo(40);
            assertThatThrownBy(some[0]::rawHandle).isInstanceOf(Closed.class);
            assertThat(spares.take(40)).isSameAs(some[2]);
            assertThat(spares.take(40)).isNull();
            assertThat(spares.bytes()).isZero();
        }
    }

    @Test
    void freeingTwiceAndAfterCloseIsHarmless() {
        DeviceContext context = FirstDevice.context(BinaryCache.none(), new AtomicLong());
        DeviceStorage a = context.allocate(16);
        DeviceStorage b = context.allocate(0);
        DeviceStorage c = context.allocate(16);
        a.free();
        a.free();
        assertThat(context.liveBytes()).isEqualTo(16);
        context.close();
        context.close();
        b.free();
        c.free();
        assertThat(context.liveBytes()).isZero();
        assertThatThrownBy(() -> c.read(0, MemorySegment.ofArray(new int[1]))).isInstanceOf(Closed.class);
        assertThatThrownBy(() -> context.allocate(16)).isInstanceOf(Closed.class);
    }

    @Test
    void aSourceThatDoesNotCompileComesWithTheLog() {
        try (DeviceContext context = FirstDevice.context(BinaryCache.none(), new AtomicLong())) {
            assertThatThrownBy(() -> context.programs().kernel("__kernel void fill() { no_such(); }", "fill"))
                    .isInstanceOfSatisfying(
                            KernelBuild.class, e -> assertThat(e.log()).contains("no_such"));
            assertThat(run(context, FILL, 5)).isEqualTo(5);
        }
    }

    @Test
    void aKernelForAMatrixEngineThatIsNotThereIsRefusedAndThePortableOneOfItsTextIsAnother() {
        try (DeviceContext context = FirstDevice.context(BinaryCache.none(), new AtomicLong())) {
            Assumptions.assumeTrue(context.device().computeCapability() != 90);
            KernelSource source =
                    new KernelSource("fill", FILL, List.of(), List.of(), List.of(), KernelSource.Target.SM_90A);
            assertThat(run(context, FILL, 5)).isEqualTo(5);
            assertThatThrownBy(() -> context.programs().kernel(source))
                    .isInstanceOfSatisfying(
                            KernelBuild.class, e -> assertThat(e.log()).contains("compute capability 9.0"));
            assertThat(run(context, FILL, 6)).isEqualTo(6);
        }
    }

    @Test
    void aCachedBinaryIsUsedAndABadOneRebuilt(@TempDir Path folder) throws IOException {
        AtomicLong builds = new AtomicLong();
        BinaryCache cache = BinaryCache.in(folder.resolve("c"), 8);
        for (int i = 1; i <= 2; i++) {
            try (DeviceContext context = FirstDevice.context(cache, builds)) {
                assertThat(run(context, FILL, i)).isEqualTo(i);
            }
        }
        assertThat(builds).hasValue(1);
        // what the driver refuses, under a checksum that is right
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder.resolve("c"))) {
            for (Path file : files) {
                cache.store(
                        String.valueOf(file.getFileName()).replace(".bin", ""), new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
            }
        }
        try (DeviceContext context = FirstDevice.context(cache, builds)) {
            assertThat(run(context, FILL, 9)).isEqualTo(9);
        }
        assertThat(builds).hasValue(2);
    }

    @Test
    void argumentsThatChangeAreSetAgain() {
        try (DeviceContext context = FirstDevice.context(BinaryCache.none(), new AtomicLong());
                Kernel kernel = context.programs().kernel(FILL, "fill");
                DeviceStream stream = new DeviceStream()) {
            DeviceStorage kept = context.allocate(16);
            for (int i = 1; i <= 8; i++) {
                DeviceStorage other = context.allocate(16); // may lie where the one before lay
                for (DeviceStorage to : i % 2 == 0 ? List.of(kept, other) : List.of(other, kept)) {
                    int value = to == kept ? 100 + i / 2 : i;
                    stream.run(
                            context,
                            List.of(new Launch(
                                    kernel,
                                    List.of(new KernelArgument.Memory(to), KernelArgument.Value.of(value)),
                                    2,
                                    2)));
                }
                assertThat(ints(other)).containsOnly(i);
                assertThat(ints(kept)).containsOnly(100 + i / 2);
                other.free();
            }
            Launch late =
                    new Launch(kernel, List.of(new KernelArgument.Memory(kept), KernelArgument.Value.of(1)), 2, 2);
            stream.run(context, List.of(late));
            kept.free();
            assertThatThrownBy(() -> stream.run(context, List.of(late))).isInstanceOf(Closed.class);
        }
    }

    @Test
    void aParameterCanHaveNoBufferAndThenOneAgain() {
        String source =
                "__kernel void fill(__global int *to, __global const int *from) { to[get_global_id(0)] = from ? from[0] : -1; }\n";
        try (DeviceContext context = FirstDevice.context(BinaryCache.none(), new AtomicLong());
                Kernel kernel = context.programs().kernel(source, "fill");
                DeviceStream stream = new DeviceStream()) {
            DeviceStorage to = context.allocate(16);
            DeviceStorage from = context.allocate(4);
            from.write(0, MemorySegment.ofArray(new int[] {5}));
            for (boolean given : new boolean[] {false, true, true, false, false, true}) {
                KernelArgument second = given ? new KernelArgument.Memory(from) : KernelArgument.NONE;
                stream.run(context, List.of(new Launch(kernel, List.of(new KernelArgument.Memory(to), second), 2, 2)));
                assertThat(ints(to)).containsOnly(given ? 5 : -1);
            }
            to.free();
            from.free();
        }
    }

    private static int[] ints(DeviceStorage storage) {
        int[] back = new int[4];
        storage.read(0, MemorySegment.ofArray(back));
        return back;
    }

    @Test
    void everyReaderWaitsForTheRunThatWrites() throws Exception {
        FirstDevice.assumeThreadSafe();
        String slow = """
                __kernel void slow(__global int *to, uint rounds) {
                  uint x = 1;
                  for (uint i = 0; i < rounds; i++) x = x * 1664525u + 1013904223u + (x >> 7);
                  to[get_global_id(0)] = x == 0 ? 1 : 7;
                }
                """;
        try (DeviceContext context = FirstDevice.context(BinaryCache.none(), new AtomicLong());
                Kernel kernel = context.programs().kernel(slow, "slow");
                DeviceStream stream = new DeviceStream();
                ExecutorService pool = Executors.newFixedThreadPool(2)) {
            DeviceStorage to = context.allocate(16);
            to.write(0, MemorySegment.ofArray(new int[4]));
            Launch launch = new Launch(
                    kernel, List.of(new KernelArgument.Memory(to), KernelArgument.Value.of(100_000_000)), 1, 4);
            stream.run(context, List.of(launch));
            Future<int[]> first = pool.submit(() -> ints(to));
            Thread.sleep(50);
            Future<int[]> second = pool.submit(() -> ints(to));
            assertThat(first.get()).containsOnly(7);
            assertThat(second.get()).containsOnly(7);
            to.free();
        }
    }

    @Test
    void threadsThatWantOneProgramShareItsBuild() throws Exception {
        FirstDevice.assumeThreadSafe();
        AtomicLong builds = new AtomicLong();
        try (DeviceContext context = FirstDevice.context(BinaryCache.none(), builds);
                ExecutorService pool = Executors.newFixedThreadPool(4)) {
            List<Future<Integer>> all = new ArrayList<>();
            for (int t = 0; t < 4; t++) {
                int value = t;
                all.add(pool.submit(() -> run(context, FILL, value)));
            }
            for (int t = 0; t < 4; t++) {
                assertThat(all.get(t).get()).isEqualTo(t);
            }
        }
        assertThat(builds).hasValue(1);
    }

    @Test
    void threadsThatWantDifferentProgramsAllGetTheirs() throws Exception {
        FirstDevice.assumeThreadSafe();
        AtomicLong builds = new AtomicLong();
        try (DeviceContext context = FirstDevice.context(BinaryCache.none(), builds);
                ExecutorService pool = Executors.newFixedThreadPool(4)) {
            List<Future<Integer>> all = new ArrayList<>();
            for (int t = 0; t < 8; t++) {
                int value = t;
                all.add(pool.submit(() -> run(context, FILL + "// " + value / 2 + "\n", value)));
            }
            for (int t = 0; t < 8; t++) {
                assertThat(all.get(t).get()).isEqualTo(t);
            }
        }
        assertThat(builds).hasValue(4);
    }
}
