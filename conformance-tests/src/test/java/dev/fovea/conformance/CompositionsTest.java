package dev.fovea.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.conformance.Laws.Law;
import dev.fovea.conformance.mechanisms.MechanismLaws;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** What is composed from primitives, on a device of plain loops: what fails here is wrong in the composition. */
class CompositionsTest {
    private static List<Law> laws() {
        return Stream.of(CacheLaws.all(), LatentLaws.all(), OperationLaws.small(), MechanismLaws.all())
                .flatMap(List::stream)
                .toList();
    }

    private static DynamicTest test(Law law) {
        return DynamicTest.dynamicTest(law.name(), () -> {
            try (Backend backend = Backends.on(new HostDevice())) {
                assertThat(law.violation(backend)).isEmpty();
            } catch (Unsupported e) {
                Assumptions.abort(e.reason()); // devices answer every law, see DevicesTest
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> onPlainLoops() {
        return laws().stream().map(CompositionsTest::test);
    }
}
