package dev.fovea.tools;

import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads one of a few values by the name that its {@code toString} gives, and lists the names where that fails.
 *
 * @param <T> type of the values
 */
public abstract class NamedValues<T> implements ITypeConverter<T> {
    private final List<T> values;

    protected NamedValues(List<T> values) {
        this.values = List.copyOf(values);
    }

    @Override
    public T convert(String text) {
        return values.stream()
                .filter(v -> v.toString().equals(text))
                .findFirst()
                .orElseThrow(() -> new TypeConversionException(
                        "expected " + values.stream().map(Object::toString).collect(Collectors.joining(", "))
                                + ", got '" + text + "'"));
    }
}
