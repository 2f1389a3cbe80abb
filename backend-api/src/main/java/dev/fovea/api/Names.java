package dev.fovea.api;

import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.ExprParser;
import dev.fovea.api.expr.ValueType;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What the names in the text of an expression stand for; immutable. See {@link ExprParser} for the text.
 *
 * @param tensors captured tensors, loaded with an index for each of their axes
 * @param numbers runtime scalars: an Integer is an I32 in the expression, anything else an F32
 */
public record Names(Map<String, Tensor> tensors, Map<String, Number> numbers) {
    /** An expression without names. */
    public static final Names NONE = new Names(Map.of(), Map.of());

    public Names {
        tensors = Map.copyOf(tensors);
        numbers = Map.copyOf(numbers);
    }

    public static Names of(String name, Tensor tensor) {
        return NONE.with(name, tensor);
    }

    public static Names of(String name, Number number) {
        return NONE.with(name, number);
    }

    public Names with(String name, Tensor tensor) {
        Map<String, Tensor> more = new LinkedHashMap<>(tensors);
        more.put(name, tensor);
        return new Names(more, numbers);
    }

    public Names with(String name, Number number) {
        Map<String, Number> more = new LinkedHashMap<>(numbers);
        more.put(name, number);
        return new Names(tensors, more);
    }

    /** The expression of a text in which these names may occur. */
    public Expr parse(String text) {
        Map<String, DType> captures = new HashMap<>();
        tensors.forEach((name, t) -> captures.put(name, t.dtype()));
        Map<String, ValueType> scalars = new HashMap<>();
        numbers.forEach((name, n) -> scalars.put(name, n instanceof Integer ? ValueType.I32 : ValueType.F32));
        return ExprParser.parse(text, captures, scalars);
    }
}
