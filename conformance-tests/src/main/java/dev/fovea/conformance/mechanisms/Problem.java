package dev.fovea.conformance.mechanisms;

import dev.fovea.api.DType;
import dev.fovea.conformance.HostTensor;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Example;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.mechanisms.Port;
import dev.fovea.mechanisms.Values;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;

/**
 * A mechanism with sampled inputs and the values of its parameters.
 *
 * @param inputs by name, as the storage type holds them
 */
public record Problem(Mechanism mechanism, Example example, Values values, Map<String, HostTensor> inputs) {
    /** The problem of an example; another seed gives other numbers. */
    public static Problem of(Mechanism mechanism, Example example, long seed) {
        Declaration d = mechanism.declaration();
        Values values = Values.parse(d, example.parameters());
        SplittableRandom random = new SplittableRandom(seed);
        Map<String, HostTensor> inputs = new LinkedHashMap<>();
        for (Port port : d.inputs()) {
            int[] shape = example.shape(port);
            int count = 1;
            for (int n : shape) {
                count *= n;
            }
            double[] x = port.sampler().sample(random.split(), count, example);
            inputs.put(port.name(), new HostTensor(type(port.kind()), x, shape));
        }
        return new Problem(mechanism.with(values), example, values, inputs);
    }

    private static DType type(Port.Kind kind) {
        return switch (kind) {
            case REAL, F32 -> DType.F32;
            case I32 -> DType.I32;
            case BOOL -> DType.BOOL;
        };
    }

    /** The same with every number of the inputs off by up to a few roundings, which shows how well the problem is conditioned. */
    Problem perturbed(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Map<String, HostTensor> other = new LinkedHashMap<>();
        inputs.forEach((name, t) -> other.put(
                name,
                t.dtype().isFloat()
                        ? t.map(x -> (float) x * (1 + 0x1p-21f * (float) (random.nextDouble() - 0.5) * 2))
                        : t));
        return new Problem(mechanism, example, values, other);
    }

    /** Size of an axis by its name. */
    public int size(String axis) {
        return example.size(axis);
    }

    public HostTensor input(String name) {
        return Objects.requireNonNull(inputs.get(name), name);
    }

    /** An element of an input. */
    public double at(String name, int... index) {
        return input(name).at(index);
    }

    /** The value of the parameter of this name. */
    public <T> T parameter(String name, Class<T> type) {
        Parameter<?> p = mechanism.declaration().parameters().stream()
                .filter(k -> k.name().equals(name))
                .findFirst()
                .orElseThrow();
        return type.cast(values.get(p));
    }

    public int integer(String name) {
        return parameter(name, Integer.class);
    }

    public double real(String name) {
        return parameter(name, Double.class);
    }

    public boolean flag(String name) {
        return parameter(name, Boolean.class);
    }

    /** The whole numbers of a list. */
    public int[] integers(String name) {
        List<?> list = parameter(name, List.class);
        return list.stream().mapToInt(n -> ((Number) n).intValue()).toArray();
    }

    /** {@code mechanism gna, B=1 S=16; window=3}. */
    public String text() {
        return "mechanism " + mechanism.declaration().id() + ", " + example.text();
    }
}
