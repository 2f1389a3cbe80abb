package dev.fovea.api.expr;

import dev.fovea.api.DType;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Expressions of the menu, defined by their text. */
final class Definition {
    private Definition() {}

    /** The expression of a text whose scalars are I32. */
    static Expr parse(String text, Map<String, DType> captures, String... scalars) {
        return ExprParser.parse(
                text,
                captures,
                Arrays.stream(scalars).collect(Collectors.toMap(Function.identity(), s -> ValueType.I32)));
    }
}
