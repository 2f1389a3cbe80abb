package dev.fovea.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.conformance.Laws.Law;
import dev.fovea.conformance.mechanisms.MechanismLaws;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** What is composed from primitives, on a device of plain loops: what fails here is wrong in the composition. */
class CompositionsTest {
    private static final int LEAST_ANSWERED = 60;

    private static List<Law> laws() {
        return Stream.of(CacheLaws.all(), LatentLaws.all(), OperationLaws.small(), MechanismLaws.all())
                .flatMap(List::stream)
                .toList();
    }

    /** What the device says of a law; null where it has no loops for it, as devices have, see {@link DevicesTest}. */
    private static @Nullable String violation(Law law) {
        try (Backend backend = Backends.on(new HostDevice())) {
            return law.violation(backend);
        } catch (Unsupported e) {
            return null;
        }
    }

    @TestFactory
    Stream<DynamicTest> onPlainLoops() {
        Map<String, String> answers = new LinkedHashMap<>();
        for (Law law : laws()) {
            String violation = violation(law);
            if (violation != null) {
                answers.put(law.name(), violation);
            }
        }
        assertThat(answers).as("laws that the device answers").hasSizeGreaterThanOrEqualTo(LEAST_ANSWERED);
        return answers.entrySet().stream()
                .map(e -> DynamicTest.dynamicTest(
                        e.getKey(), () -> assertThat(e.getValue()).isEmpty()));
    }
}
