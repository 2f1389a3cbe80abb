package dev.fovea.conformance.mechanisms;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.spec.Primitive;
import dev.fovea.api.spi.BackendProvider;
import dev.fovea.api.spi.DeviceBackend;
import dev.fovea.conformance.mechanisms.MutantDevice.Slip;
import dev.fovea.conformance.mechanisms.Mutants.Mutant;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Mechanisms;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;

/**
 * Faults planted into the composition of every mechanism, one at a time: an operator, constant, branch, rule or scale that is wrong in one
 * primitive. The oracle must see them. {@code target/mechanism-faults.txt} lists those that it does not see, most of which change nothing
 * (an index that is clamped anyway, a bound that no example meets): a quarter of a mechanism's, or one.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MechanismFaultsTest {
    private DeviceBackend cpu;
    private final List<String> report = new ArrayList<>();

    @BeforeAll
    void open() {
        cpu = ServiceLoader.load(BackendProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(p -> p.name().equals("cpu"))
                .findFirst()
                .orElseThrow()
                .open("cpu");
    }

    @AfterAll
    void close() throws IOException {
        cpu.close();
        Files.createDirectories(Path.of("target"));
        Files.write(Path.of("target/mechanism-faults.txt"), report);
    }

    @TestFactory
    Stream<DynamicTest> faultsAreCaught() {
        return Mechanisms.all().stream()
                .map(m -> DynamicTest.dynamicTest(m.declaration().id(), () -> check(m)));
    }

    private void check(Mechanism m) {
        Map<String, Boolean> caught = new LinkedHashMap<>();
        for (MechanismCheck c : m.declaration().examples().stream()
                .map(e -> MechanismCheck.of(Problem.of(m, e, 1)))
                .toList()) {
            MutantDevice right = new MutantDevice(cpu, null, Slip.NONE);
            assertThat(violation(right, c)).isEmpty();
            for (Primitive<?> p : right.seen()) {
                for (Mutant mutant : Mutants.of(p)) {
                    if (Boolean.TRUE.equals(caught.get(mutant.what()))) {
                        continue; // by an earlier example or primitive
                    }
                    boolean seen = !violation(new MutantDevice(cpu, mutant, Slip.NONE), c)
                            .isEmpty();
                    caught.merge(mutant.what(), seen, Boolean::logicalOr);
                }
            }
            for (Slip slip : List.of(Slip.SCALE, Slip.FILL)) {
                if (Boolean.TRUE.equals(caught.get("" + slip))) {
                    continue;
                }
                MutantDevice wrong = new MutantDevice(cpu, null, slip);
                boolean seen = !violation(wrong, c).isEmpty();
                if (wrong.slipped()) {
                    caught.merge("" + slip, seen, Boolean::logicalOr);
                }
            }
        }
        long found = caught.values().stream().filter(x -> x).count();
        synchronized (report) {
            report.add(m.declaration().id() + ": " + found + " of " + caught.size() + " faults caught");
            caught.forEach((what, seen) -> {
                if (!seen) {
                    report.add("    not seen: " + what);
                }
            });
        }
        assertThat(caught.size() - found)
                .as("faults that are not seen among %s", caught)
                .isLessThanOrEqualTo(Math.max(1, caught.size() / 4));
        assertThat(found).as("faults that are seen").isPositive();
    }

    private static String violation(MutantDevice device, MechanismCheck check) {
        try (Backend backend = Backends.on(device)) {
            return check.violation(backend);
        } catch (RuntimeException e) {
            return e.toString();
        }
    }
}
