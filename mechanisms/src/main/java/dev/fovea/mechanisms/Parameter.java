package dev.fovea.mechanisms;

import dev.fovea.api.FoveaException.InvalidArgument;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * A parameter of a mechanism.
 *
 * @param standard the default: the paper's, where it has one
 * @param range what is allowed, in words
 * @param meaning what it does, with its unit
 * @param parser reads it from text; throws IllegalArgumentException
 * @param <T> its type
 */
public record Parameter<T>(
        String name, T standard, String range, String meaning, Function<String, T> parser, Predicate<T> valid) {

    public static Parameter<Integer> integer(String name, int standard, int least, int most, String meaning) {
        String range = "a whole number from " + least + " to " + most;
        return new Parameter<>(name, standard, range, meaning, Integer::valueOf, n -> n >= least && n <= most);
    }

    public static Parameter<Double> real(String name, double standard, double least, double most, String meaning) {
        String range = "a number from " + shorter(least) + " to " + shorter(most);
        return new Parameter<>(name, standard, range, meaning, Double::valueOf, x -> x >= least && x <= most);
    }

    private static String shorter(double x) {
        return x == Math.rint(x) && Math.abs(x) < 1e9 ? Long.toString((long) x) : Double.toString(x);
    }

    public static Parameter<Boolean> flag(String name, boolean standard, String meaning) {
        return new Parameter<>(name, standard, "true or false", meaning, Parameter::truth, b -> true);
    }

    private static Boolean truth(String text) {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException(text);
        };
    }

    /** Several whole numbers, written with commas: one for each axis of a grid, for instance. */
    public static Parameter<List<Integer>> integers(
            String name, List<Integer> standard, int least, int most, String meaning) {
        String range = "whole numbers from " + least + " to " + most + ", with commas between";
        return new Parameter<>(
                name,
                standard,
                range,
                meaning,
                text -> Arrays.stream(text.split(",", -1))
                        .map(s -> Integer.valueOf(s.strip()))
                        .toList(),
                list -> !list.isEmpty() && list.stream().allMatch(n -> n >= least && n <= most));
    }

    /** One of the constants of an enum, written in lower case. */
    public static <E extends Enum<E>> Parameter<E> choice(String name, E standard, String meaning) {
        List<E> all = List.of(standard.getDeclaringClass().getEnumConstants());
        String range = all.stream().map(Parameter::word).collect(Collectors.joining(", "));
        return new Parameter<>(
                name,
                standard,
                "one of " + range,
                meaning,
                text -> all.stream()
                        .filter(e -> word(e).equals(text))
                        .findFirst()
                        .orElseThrow(() -> new IllegalArgumentException(text)),
                e -> true);
    }

    private static String word(Enum<?> e) {
        return e.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The value, if it is in range. */
    public T check(T value) {
        if (!valid.test(value)) {
            throw new InvalidArgument(name, range, text(value), "correct it");
        }
        return value;
    }

    T parse(String text) {
        T value;
        try {
            value = parser.apply(text.strip());
        } catch (IllegalArgumentException e) {
            throw new InvalidArgument(name, range, "'" + text + "'", "correct it");
        }
        return check(value);
    }

    /** A value as {@code --param} takes it. */
    public String text(T value) {
        return switch (value) {
            case Enum<?> e -> word(e);
            case List<?> list -> list.stream().map(Object::toString).collect(Collectors.joining(","));
            default -> value.toString();
        };
    }

    /** The default as text. */
    public String standardText() {
        return text(standard);
    }
}
