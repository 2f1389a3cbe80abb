package dev.fovea.api;

import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.ValueType;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.GatherArguments;
import dev.fovea.api.spec.MapArguments;
import dev.fovea.api.spec.MapSpec;
import dev.fovea.api.spec.Primitive;
import dev.fovea.api.spec.ReduceArguments;
import dev.fovea.api.spec.SelectArguments;
import java.util.Objects;

/**
 * What is known of the integers that a run writes, so that indices made on a device are trusted without reading them: those of a selection,
 * and those of a map whose expression bounds them, for instance by min and max.
 */
final class WrittenFacts {
    private static final IntFacts INTEGERS = IntFacts.range(Integer.MIN_VALUE, Integer.MAX_VALUE);

    private WrittenFacts() {}

    /** A run that failed half-way left anything. */
    static void forget(Arguments a) {
        for (Tensor t : a.outputs()) {
            if (t.dtype() == DType.I32) {
                t.allocation().learn(IntFacts.NONE);
            }
        }
    }

    static void learn(Primitive<?> primitive, Arguments arguments) {
        switch (arguments) {
            case SelectArguments a -> {
                long n = a.scores().size(a.scores().rank() - 1);
                set(a.indices(), IntFacts.range(-1, n - 1));
                if (a.counts() != null) {
                    set(
                            a.counts(),
                            IntFacts.range(
                                    0, Math.min(n, a.indices().size(a.indices().rank() - 1))));
                }
            }
            case ReduceArguments a ->
                set(a.output(), IntFacts.range(-1, a.input().size(a.input().rank() - 1) - 1));
            case GatherArguments a ->
                set(a.output(), a.source().facts().or(IntFacts.range((long) a.fill(), (long) a.fill())));
            case MapArguments a -> set(a.output(), bounds(((MapSpec) primitive).value(), a));
            default -> {}
        }
    }

    private static void set(Tensor t, IntFacts facts) {
        if (t.dtype() == DType.I32) {
            t.allocation().learn(t.isWhole() ? facts : t.facts().or(facts)); // the rest of a view's memory stays
        }
    }

    private static IntFacts bounds(Expr e, MapArguments a) {
        IntFacts all = e.type() == ValueType.I32 ? INTEGERS : IntFacts.NONE;
        return switch (e) {
            case Expr.IntConst c -> IntFacts.range(c.value(), c.value());
            case Expr.Scalar s -> {
                int n = Objects.requireNonNull(a.scalars().get(s.name())).intValue();
                yield s.type() == ValueType.I32 ? IntFacts.range(n, n) : all;
            }
            case Expr.Index i -> IntFacts.range(0, Math.max(0, size(a.output(), i.kind()) - 1));
            case Expr.Load l -> {
                IntFacts f = Objects.requireNonNull(a.captures().get(l.name())).facts();
                yield f.known() ? f : all;
            }
            case Expr.Select s -> bounds(s.ifTrue(), a).or(bounds(s.ifFalse(), a));
            case Expr.Binary b
            when e.type() == ValueType.I32 -> binary(b.op(), bounds(b.left(), a), bounds(b.right(), a));
            default -> all;
        };
    }

    private static IntFacts binary(Expr.BinaryOp op, IntFacts x, IntFacts y) {
        long a = x.least();
        long b = x.largest();
        long c = y.least();
        long d = y.largest();
        IntFacts exact = switch (op) {
            case ADD -> IntFacts.range(a + c, b + d);
            case SUBTRACT -> IntFacts.range(a - d, b - c);
            case MULTIPLY ->
                IntFacts.range(
                        Math.min(Math.min(a * c, a * d), Math.min(b * c, b * d)),
                        Math.max(Math.max(a * c, a * d), Math.max(b * c, b * d)));
            case MIN -> IntFacts.range(Math.min(a, c), Math.min(b, d));
            case MAX -> IntFacts.range(Math.max(a, c), Math.max(b, d));
            case MODULO -> c > 0 ? IntFacts.range(0, d - 1) : IntFacts.NONE;
            case FLOOR_DIVIDE -> c > 0 ? quotients(a, b, c, d) : IntFacts.NONE;
            default -> IntFacts.NONE;
        };
        return exact.known() ? exact : INTEGERS; // what does not fit wraps
    }

    private static IntFacts quotients(long a, long b, long c, long d) {
        return IntFacts.range(Math.floorDiv(a, a < 0 ? c : d), Math.floorDiv(b, b < 0 ? d : c));
    }

    private static long size(Tensor output, Expr.IndexKind kind) {
        int fromLast = switch (kind) {
            case BATCH -> 4;
            case HEAD -> 3;
            case QUERY -> 2;
            default -> 1;
        };
        return fromLast > output.rank() ? 1 : output.size(output.rank() - fromLast);
    }
}
