package dev.fovea.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.FoveaException.DeviceFailure;
import dev.fovea.api.Tensor;
import dev.fovea.api.cache.CacheShape;
import dev.fovea.api.cache.KvCache;
import dev.fovea.api.cache.KvSequence;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.TransferSpec;
import dev.fovea.api.spi.Support;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The cache against a plain list model, on a host device for long walks and on every device of this machine for short ones. */
class CacheWalkTest {
    private static List<CacheShape> shapes() {
        List<CacheShape> all = new ArrayList<>();
        for (KvFormat format : KvFormat.values()) {
            CacheShape shape = CacheShape.of(26, 4, 2, 9, format).withValueDim(7);
            all.add(format == KvFormat.FP8 ? shape.withPageScales(0.01f, 0.3f) : shape);
            all.add(shape.withHeadTables());
        }
        all.add(CacheShape.of(90, 1, 2, 5, KvFormat.F32));
        all.add(CacheShape.of(5, 256, 1, 3, KvFormat.F32).withHeadTables());
        all.add(CacheShape.of(26, 4, 1, 12, KvFormat.F16).withValuesInKeys(8));
        all.add(CacheShape.of(26, 4, 1, 12, KvFormat.INT4).withValuesInKeys(7));
        return all;
    }

    @TestFactory
    Stream<DynamicTest> longWalks() {
        List<CacheShape> shapes = List.of(
                shapes().get(0), CacheShape.of(30, 4, 3, 4, KvFormat.F32).withHeadTables(), shapes().get(6));
        return shapes.stream()
                .flatMap(shape -> Stream.of(1, 2, 3)
                        .map(seed -> DynamicTest.dynamicTest(shape + " seed " + seed, () -> {
                            try (Backend host = Backends.on(new HostDevice())) {
                                assertThat(CacheWalk.violation(host, shape, seed, 10_000))
                                        .isEmpty();
                                assertThat(host.allocatedBytes())
                                        .as("a tensor stayed open")
                                        .isZero();
                            }
                        })));
    }

    @TestFactory
    Stream<DynamicTest> everyFormatAndTable() {
        return shapes().stream()
                .map(shape -> DynamicTest.dynamicTest(shape.toString(), () -> {
                    try (Backend host = Backends.on(new HostDevice())) {
                        assertThat(CacheWalk.violation(host, shape, 7, 1500)).isEmpty();
                    }
                }));
    }

    @TestFactory
    Stream<DynamicTest> devices() {
        return OpenDevices.ids().stream()
                .flatMap(id -> shapes().stream()
                        .map(shape -> DynamicTest.dynamicTest(shape + " on " + id, () -> {
                            try (Backend backend = Backends.open(id)) {
                                Support support = backend.supports(new TransferSpec(
                                        shape.format(), shape.format(), shape.keyDim(), shape.heads()));
                                Assumptions.assumeTrue(support instanceof Support.Yes, support.toString());
                                long before = backend.allocatedBytes();
                                assertThat(CacheWalk.violation(backend, shape, 11, 150))
                                        .isEmpty();
                                assertThat(backend.allocatedBytes())
                                        .as("tensors stayed open, beyond the scratch memory that the device keeps")
                                        .isLessThan(before + 1024);
                            }
                        })));
    }

    @Test
    void aDeviceThatFailsLeavesTheBooksAsTheyWere() {
        HostDevice device = new HostDevice();
        CacheShape shape = CacheShape.of(4, 2, 1, 3, KvFormat.F32);
        try (Backend host = Backends.on(device);
                KvCache cache = KvCache.on(host, shape);
                Tensor rows = host.copyOf(new float[9], 1, 1, 3, 3)) {
            KvSequence a = cache.create();
            cache.append(a, rows, rows);
            KvSequence b = cache.fork(a);
            for (int run = 0;
                    run < 4;
                    run++) { // copies of a shared page of keys and of values, then new keys and values
                device.failAfter(run);
                assertThatThrownBy(() -> cache.append(b, rows, rows)).isInstanceOf(DeviceFailure.class);
                assertThat(cache.freePages()).isEqualTo(2);
                assertThat(b.length()).isEqualTo(3);
            }
            device.failAfter(-1);
            cache.append(b, rows, rows);
            assertThat(cache.freePages()).isZero();
            assertThat(cache.bytes()).isEqualTo(4 * 2 * 2 * 3 * 4);
        }
    }
}
