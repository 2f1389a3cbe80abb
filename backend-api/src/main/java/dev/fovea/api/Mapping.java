package dev.fovea.api;

import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.ValueType;
import dev.fovea.api.spec.MapArguments;
import dev.fovea.api.spec.MapSpec;

/**
 * An elementwise function in the making. Its text has the indices b, h, q, d of the output (a tensor of fewer axes has the last ones), loads
 * of named tensors {@code x[b, h, q, d]} with an index for each of their axes, and named numbers. A load clamps its indices, so that an
 * axis of size 1 repeats.
 */
public final class Mapping {
    private final Operations ops;
    private final String text;
    private Names names = Names.NONE;

    Mapping(Operations ops, String text) {
        this.ops = ops;
        this.text = text;
    }

    /** The text of the element that a tensor of this rank has at the place of the output's. */
    static String element(String name, int rank) {
        return name + "["
                + switch (rank) {
                    case 1 -> "d";
                    case 2 -> "q, d";
                    case 3 -> "h, q, d";
                    default -> "b, h, q, d";
                }
                + "]";
    }

    public Mapping with(String name, Tensor tensor) {
        names = names.with(name, tensor);
        return this;
    }

    /** An Integer is an I32 in the expression, anything else an F32. */
    public Mapping with(String name, Number number) {
        names = names.with(name, number);
        return this;
    }

    /** Computes a tensor with the type and shape of another. */
    public Tensor like(Tensor other) {
        return to(other.dtype(), other.shape());
    }

    /** Computes a tensor of a type and shape; the type must be of the expression's kind. */
    public Tensor to(DType dtype, long... shape) {
        Tensor output = ops.allocate(dtype, shape);
        into(output);
        return output;
    }

    /** Computes the elements of a tensor or a view. */
    public void into(Tensor output) {
        Expr value = names.parse(text);
        if (value.type() == ValueType.I32 && output.dtype().isFloat()) {
            value = value.toFloat();
        }
        ops.backend()
                .run(new MapSpec(output.dtype(), value), new MapArguments(output, names.tensors(), names.numbers()));
    }
}
