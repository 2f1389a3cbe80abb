package dev.fovea.api.spi;

import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Values of a kernel's free parameters, by name. A parameter that is not named has the value that the kernel has by default.
 *
 * @param values whole numbers; a switch is 0 or 1
 */
public record TuningPoint(SortedMap<String, Integer> values) {
    /** Every parameter as it is by default. */
    public static final TuningPoint DEFAULTS = new TuningPoint(Collections.emptySortedMap());

    public TuningPoint {
        values = Collections.unmodifiableSortedMap(new TreeMap<>(values));
    }

    public static TuningPoint of(Map<String, Integer> values) {
        return new TuningPoint(new TreeMap<>(values));
    }

    /** The same with one more value, or another one. */
    public TuningPoint with(String name, int value) {
        TreeMap<String, Integer> more = new TreeMap<>(values);
        more.put(name, value);
        return new TuningPoint(more);
    }

    public TuningPoint with(String name, boolean value) {
        return with(name, value ? 1 : 0);
    }

    /** Whether it names no parameter. */
    public boolean isDefault() {
        return values.isEmpty();
    }

    public int get(String name, int otherwise) {
        return values.getOrDefault(name, otherwise);
    }

    /** A switch; anything but 0 is on. */
    public boolean get(String name, boolean otherwise) {
        return get(name, otherwise ? 1 : 0) != 0;
    }

    /** For people: {@code keys=128 stages=2}. */
    @Override
    public String toString() {
        return values.isEmpty()
                ? "defaults"
                : values.entrySet().stream()
                        .map(e -> e.getKey() + "=" + e.getValue())
                        .collect(Collectors.joining(" "));
    }
}
