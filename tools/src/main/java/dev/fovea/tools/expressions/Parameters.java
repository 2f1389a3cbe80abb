package dev.fovea.tools.expressions;

import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.ValueType;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What expressions take from outside, by name.
 *
 * @param captures one load of each captured array
 */
public record Parameters(SortedMap<String, Expr.Load> captures, SortedMap<String, ValueType> scalars) {
    public static Parameters of(List<Expr> expressions) {
        Parameters found = new Parameters(new TreeMap<>(), new TreeMap<>());
        expressions.forEach(found::add);
        return found;
    }

    private void add(Expr e) {
        if (e instanceof Expr.Load load) {
            captures.put(load.name(), load);
        } else if (e instanceof Expr.Scalar scalar) {
            scalars.put(scalar.name(), scalar.type());
        }
        e.operands().forEach(this::add);
    }
}
