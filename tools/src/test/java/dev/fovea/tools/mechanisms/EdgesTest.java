package dev.fovea.tools.mechanisms;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.DType;
import dev.fovea.api.FoveaException;
import dev.fovea.api.Tensor;
import dev.fovea.conformance.HostTensor;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Example;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Mechanisms;
import dev.fovea.mechanisms.Port;
import dev.fovea.mechanisms.Values;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Odd sizes run, with the shapes declared and without NaN, or are refused by a sentence: no other exception reaches a caller. */
class EdgesTest {
    static List<Mechanism> all() {
        return Mechanisms.all();
    }

    @ParameterizedTest
    @MethodSource("all")
    void everyAxisEmptyOrOneOrAnother(Mechanism m) {
        Declaration d = m.declaration();
        Example example = d.examples().getFirst();
        Mechanism set = m.with(Values.parse(d, example.parameters()));
        try (Backend cpu = Backends.open("cpu")) {
            for (String axis : example.sizes().keySet()) {
                for (int size : new int[] {0, 1, example.size(axis) + 1}) {
                    Map<String, Integer> sizes = new LinkedHashMap<>(example.sizes());
                    sizes.put(axis, size);
                    run(set, new Example(sizes, example.parameters()), cpu);
                }
            }
        }
    }

    private static void run(Mechanism m, Example e, Backend cpu) {
        Map<String, Tensor> inputs = new LinkedHashMap<>();
        Map<String, Tensor> outputs = Map.of();
        try {
            for (Port p : m.declaration().inputs()) {
                inputs.put(p.name(), zeros(p, e.shape(p)).upload(cpu));
            }
            outputs = m.run(cpu, inputs);
            for (Port p : m.declaration().outputs()) {
                Tensor t = Objects.requireNonNull(outputs.get(p.name()), p.name());
                shape(m, e, p, t);
                if (t.dtype().isFloat()) {
                    assertThat(t.toFloatArray())
                            .as(m + ", " + e.text() + ": " + p.name())
                            .doesNotContain(Float.NaN);
                }
            }
        } catch (FoveaException.InvalidArgument | FoveaException.Unsupported refused) {
            assertThat(refused.getMessage()).isNotBlank();
        } catch (RuntimeException unexpected) {
            throw new AssertionError(m + ", " + e.text() + ": " + unexpected, unexpected);
        } finally {
            inputs.values().forEach(Tensor::close);
            outputs.values().forEach(Tensor::close);
        }
    }

    /** Axes that no input has are computed by the mechanism. */
    private static void shape(Mechanism m, Example e, Port p, Tensor t) {
        assertThat(t.rank()).isEqualTo(p.axes().size());
        for (int i = 0; i < t.rank(); i++) {
            String axis = p.axes().get(i);
            if (m.declaration().inputs().stream().anyMatch(in -> in.axes().contains(axis))) {
                assertThat(t.size(i))
                        .as(m + ", " + e.text() + ": " + axis + " of " + p.name())
                        .isEqualTo(e.shape(p)[i]);
            }
        }
    }

    private static HostTensor zeros(Port p, int[] shape) {
        DType type = switch (p.kind()) {
            case REAL, F32 -> DType.F32;
            case I32 -> DType.I32;
            case BOOL -> DType.BOOL;
        };
        int count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        return new HostTensor(type, new double[count], shape);
    }
}
