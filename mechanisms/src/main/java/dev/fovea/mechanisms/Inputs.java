package dev.fovea.mechanisms;

import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.Tensor;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/** The inputs of a run, held to the declaration, with the sizes of its axes. */
public final class Inputs {
    private final Map<String, Tensor> tensors;
    private final Map<String, Long> sizes;

    private Inputs(Map<String, Tensor> tensors, Map<String, Long> sizes) {
        this.tensors = tensors;
        this.sizes = sizes;
    }

    static Inputs of(Declaration declaration, Map<String, Tensor> given) {
        List<Port> ports = declaration.inputs();
        String expected = ports.stream()
                .map(p -> p.name() + " " + p.shapeText() + (p.optional() ? " (optional)" : ""))
                .collect(Collectors.joining(", "));
        for (String name : given.keySet()) {
            if (ports.stream().noneMatch(p -> p.name().equals(name))) {
                throw new InvalidArgument("input " + name, expected, name, "name the inputs by these");
            }
        }
        Map<String, Long> sizes = new LinkedHashMap<>();
        DType real = null;
        for (Port p : ports) {
            Tensor t = given.get(p.name());
            if (t == null) {
                if (!p.optional()) {
                    throw new InvalidArgument("input " + p.name(), expected, "none of this name", "give it");
                }
                continue;
            }
            if (!p.kind().takes(t.dtype())) {
                throw new InvalidArgument(
                        "input " + p.name(), p.kind().text(), t.dtype().name(), "convert it");
            }
            if (p.kind() == Port.Kind.REAL) {
                if (real != null && real != t.dtype()) {
                    throw new InvalidArgument(
                            "input " + p.name(),
                            real + " as the other inputs",
                            t.dtype().name(),
                            "convert it");
                }
                real = t.dtype();
            }
            bind(p, t, sizes);
        }
        return new Inputs(new HashMap<>(given), sizes);
    }

    private static void bind(Port p, Tensor t, Map<String, Long> sizes) {
        if (t.rank() != p.axes().size()) {
            throw new InvalidArgument("input " + p.name(), "axes " + p.shapeText(), t.toString(), "reshape it");
        }
        for (int i = 0; i < t.rank(); i++) {
            String axis = p.axes().get(i);
            long size = t.size(i);
            Long known = axis.matches("\\d+") ? Long.valueOf(axis) : sizes.putIfAbsent(axis, size);
            if (known != null && known != size) {
                throw new InvalidArgument(
                        "input " + p.name(),
                        p.shapeText() + " with " + axis + " = " + known,
                        t.toString(),
                        "axes of one name have one size");
            }
        }
    }

    public boolean has(String name) {
        return tensors.containsKey(name);
    }

    /** The input of this name; an optional one only if {@link #has} says that it is there. */
    public Tensor get(String name) {
        return Objects.requireNonNull(tensors.get(name), name);
    }

    /** Size of an axis by its name in the declaration. */
    public int size(String axis) {
        return Math.toIntExact(Objects.requireNonNull(sizes.get(axis), axis));
    }

    /**
     * Refuses sizes that do not go together.
     *
     * @param what the axis or input
     * @param expected in words
     * @param got in words
     */
    public static void require(boolean holds, String what, String expected, Object got) {
        if (!holds) {
            throw new InvalidArgument(what, expected, got.toString(), "correct the input or the parameter");
        }
    }
}
