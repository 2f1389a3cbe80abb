package dev.fovea.api.expr;

import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.InvalidArgument;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the expressions of a spec need from a run.
 *
 * @param captures tensors by name, with the type and rank that the loads declare
 * @param scalars runtime scalars by name
 */
public record ExprLeaves(SortedMap<String, Capture> captures, SortedMap<String, ValueType> scalars) {
    /** What a plan knows of a captured tensor; shape and strides are arguments of the run. */
    public record Capture(DType dtype, int rank) {}

    /** The leaves of several expressions; a name that is declared twice in different ways is refused. */
    public static ExprLeaves of(Expr... expressions) {
        SortedMap<String, Capture> captures = new TreeMap<>();
        SortedMap<String, ValueType> scalars = new TreeMap<>();
        for (Expr e : expressions) {
            visit(e, captures, scalars);
        }
        return new ExprLeaves(Collections.unmodifiableSortedMap(captures), Collections.unmodifiableSortedMap(scalars));
    }

    private static void visit(Expr e, SortedMap<String, Capture> captures, SortedMap<String, ValueType> scalars) {
        if (e instanceof Expr.Load load) {
            put(captures, load.name(), new Capture(load.dtype(), load.indices().size()));
        } else if (e instanceof Expr.Scalar scalar) {
            put(scalars, scalar.name(), scalar.type());
        }
        e.operands().forEach(o -> visit(o, captures, scalars));
    }

    private static <T> void put(SortedMap<String, T> all, String name, T now) {
        T before = all.put(name, now);
        if (before != null && !before.equals(now)) {
            throw new InvalidArgument(name, "one declaration", before + " and " + now, "use another name for one");
        }
    }

    /** Refuses an expression that is too large for compilers. */
    public static void checkSize(String what, Expr e) {
        if (e.nodeCount() > Expr.NODE_LIMIT) {
            throw new InvalidArgument(
                    what,
                    "at most " + Expr.NODE_LIMIT + " nodes",
                    e.nodeCount() + " nodes",
                    "put the constant part into a captured tensor");
        }
    }
}
