package dev.fovea.mechanisms;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Sizes of the axes and parameters of a run with sampled inputs.
 *
 * @param sizes by the name of the axis
 * @param parameters texts by name, beside which defaults hold
 */
public record Example(Map<String, Integer> sizes, Map<String, String> parameters) {
    /** From {@code "B=1 S=16 D=8; window=3 causal=true"}. */
    static Example parse(String text) {
        String[] halves = text.split(";", 2);
        Map<String, Integer> sizes = new LinkedHashMap<>();
        pairs(halves[0]).forEach((k, v) -> sizes.put(k, Integer.valueOf(v)));
        return new Example(sizes, halves.length == 1 ? Map.of() : pairs(halves[1]));
    }

    private static Map<String, String> pairs(String text) {
        Map<String, String> all = new LinkedHashMap<>();
        for (String pair : text.strip().split("\\s+")) {
            if (!pair.isEmpty()) {
                int equals = pair.indexOf('=');
                all.put(pair.substring(0, equals), pair.substring(equals + 1));
            }
        }
        return all;
    }

    /** The text that {@link #parse} reads. */
    public String text() {
        StringBuilder b = new StringBuilder();
        sizes.forEach((k, v) -> b.append(k).append('=').append(v).append(' '));
        if (!parameters.isEmpty()) {
            b.setLength(b.length() - 1);
            b.append("; ");
            parameters.forEach((k, v) -> b.append(k).append('=').append(v).append(' '));
        }
        return b.toString().strip();
    }

    /** Shape of a port under these sizes. */
    public int[] shape(Port port) {
        return port.axes().stream()
                .mapToInt(a -> a.matches("\\d+") ? Integer.parseInt(a) : size(a))
                .toArray();
    }

    /** Size of an axis by its name. */
    public int size(String axis) {
        Integer n = sizes.get(axis);
        if (n == null) {
            throw new IllegalStateException("the example has no size of " + axis + ": " + text());
        }
        return n;
    }
}
