package dev.fovea.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.api.spi.DeviceReport;
import dev.fovea.conformance.Laws.Law;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** What is composed from primitives, on plain loops and on every device of this machine. */
class CompositionsTest {
    private static final String HOST = "plain loops";

    private static List<Law> laws() {
        return Stream.concat(CacheLaws.all().stream(), LatentLaws.all().stream())
                .toList();
    }

    private static DynamicTest test(Law law, String device, Supplier<Backend> opened) {
        return DynamicTest.dynamicTest(law.name() + " on " + device, () -> {
            try (Backend backend = opened.get()) {
                assertThat(law.violation(backend)).isEmpty();
            } catch (Unsupported e) {
                Assumptions.assumeFalse(device.equals(HOST), e.reason()); // a device answers every law
                throw e;
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> onPlainLoops() {
        return laws().stream().map(law -> test(law, HOST, () -> Backends.on(new HostDevice())));
    }

    @TestFactory
    Stream<DynamicTest> onEveryDevice() {
        return Backends.report().stream()
                .filter(DeviceReport.Available.class::isInstance)
                .flatMap(d -> laws().stream().map(law -> test(law, d.id(), () -> Backends.open(d.id()))));
    }
}
