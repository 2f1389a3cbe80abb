package dev.fovea.mechanisms;

import dev.fovea.api.FoveaException.InvalidArgument;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Values of the parameters of a mechanism; those not given have their defaults. */
public final class Values {
    private final Map<Parameter<?>, Object> values = new HashMap<>();

    private Values() {}

    /**
     * Reads values from texts by name.
     *
     * @throws InvalidArgument if a name is unknown or a value out of range
     */
    public static Values parse(Declaration declaration, Map<String, String> texts) {
        Values v = new Values();
        List<Parameter<?>> known = declaration.parameters();
        texts.forEach((name, text) -> {
            Parameter<?> p = known.stream()
                    .filter(k -> k.name().equals(name))
                    .findFirst()
                    .orElseThrow(() -> new InvalidArgument(
                            "parameter " + name,
                            known.isEmpty()
                                    ? "no parameter: " + declaration.id() + " has none"
                                    : "one of "
                                            + known.stream()
                                                    .map(Parameter::name)
                                                    .toList(),
                            name,
                            "see fovea mechanisms show " + declaration.id()));
            v.values.put(p, p.parse(text));
        });
        return v;
    }

    /** The value of a parameter, or its default. */
    @SuppressWarnings("unchecked") // values come from the parser of their own parameter
    public <T> T get(Parameter<T> parameter) {
        Object value = values.get(parameter);
        return value == null ? parameter.standard() : (T) value;
    }
}
