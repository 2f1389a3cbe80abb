package dev.fovea.api.spec;

import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expr.ValueKind;
import dev.fovea.api.expr.ExprLeaves;
import dev.fovea.api.expr.ValueType;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.SortedMap;

/**
 * Each element of a tensor computed by an expression of its indices, scalars and elements of other tensors:
 * {@code O[b, h, q, d] = value(b, h, q, d)}. A tensor of fewer than four axes has the last ones of these.
 *
 * @param output F32, F16 or BF16 for an expression of F32; I32 or BOOL for one of that type
 * @param value an expression whose indices are b, h, q and d
 */
public record MapSpec(DType output, Expr value) implements Primitive<MapArguments> {
    private static final Set<IndexKind> AXES =
            EnumSet.of(IndexKind.BATCH, IndexKind.HEAD, IndexKind.QUERY, IndexKind.CHANNEL);

    public MapSpec {
        boolean fits = switch (value.type()) {
            case F32 -> output.isFloat();
            case I32 -> output == DType.I32;
            case BOOL -> output == DType.BOOL;
        };
        if (!fits) {
            throw new InvalidArgument(
                    "expression", "one that gives " + output, value.text() + " of " + value.type(), "convert it");
        }
        ExprLeaves.checkSize("expression", value);
        for (ValueKind kind : ValueKind.values()) {
            if (value.uses(kind)) {
                throw new InvalidArgument(
                        "expression", "no score, probability or output", value.text(), "load from tensors by name");
            }
        }
        Arrays.stream(IndexKind.values())
                .filter(k -> !AXES.contains(k) && value.uses(k))
                .findAny()
                .ifPresent(k -> {
                    throw new InvalidArgument(
                            "expression",
                            "indices b, h, q and d",
                            value.text(),
                            "name the axes of the output by these");
                });
    }

    /** Tensors by name, with the type and rank that the loads declare. */
    public SortedMap<String, ExprLeaves.Capture> captures() {
        return ExprLeaves.of(value).captures();
    }

    /** Runtime scalars by name. */
    public SortedMap<String, ValueType> scalars() {
        return ExprLeaves.of(value).scalars();
    }
}
