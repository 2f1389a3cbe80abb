package dev.fovea.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.conformance.CaseResult.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The quick suite and the laws on every device of this machine. */
class DevicesTest {
    @Test
    void anOpenClDeviceIsThere() {
        boolean there = OpenDevices.ids().stream().anyMatch(id -> id.startsWith("opencl/"));
        if (!Boolean.getBoolean("fovea.require.opencl")) {
            Assumptions.assumeTrue(
                    there,
                    "no OpenCL device: OpenCL is not tested here; install pocl-opencl-icd, or require one by "
                            + "-Dfovea.require.opencl=true");
        }
        assertThat(there)
                .as("an OpenCL device is required, found %s", Backends.report())
                .isTrue();
    }

    @TestFactory
    Stream<DynamicTest> quickSuiteAgrees() {
        List<Suites.Entry> suite = Suites.quick(1);
        List<Expected> expected =
                suite.parallelStream().map(e -> Expected.of(e.testCase())).toList();
        return OpenDevices.ids().stream()
                .map(id -> DynamicTest.dynamicTest("quick suite on " + id, () -> {
                    List<String> failures = new ArrayList<>();
                    int passed = 0;
                    try (Backend backend = Backends.open(id);
                            Agreement agreement = new Agreement(backend)) {
                        for (int i = 0; i < suite.size(); i++) {
                            CaseResult r = agreement.run(suite.get(i).group(), expected.get(i));
                            if (r.status() == Status.FAIL) {
                                failures.add(r.reproduce() + "\n    " + r.detail());
                            }
                            passed += r.status() == Status.PASS ? 1 : 0;
                        }
                    }
                    assertThat(failures).isEmpty();
                    assertThat(passed).as("nothing is skipped").isEqualTo(suite.size());
                }));
    }

    @TestFactory
    Stream<DynamicTest> lawsHold() {
        return OpenDevices.ids().stream()
                .flatMap(id -> Laws.all().stream()
                        .map(law -> DynamicTest.dynamicTest(law.name() + " on " + id, () -> {
                            try (Backend backend = Backends.open(id)) {
                                assertThat(law.violation(backend)).isEmpty();
                            }
                        })));
    }
}
