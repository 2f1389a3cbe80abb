package dev.fovea.cpu;

import dev.fovea.api.ExecutionStream;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.ValueType;
import dev.fovea.api.spec.Arguments;
import dev.fovea.api.spec.MapArguments;
import dev.fovea.api.spec.MapSpec;
import dev.fovea.api.spi.DevicePlan;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/** Elements by an expression, one at a time. */
record MapCpuPlan(CpuBackend backend, MapSpec spec) implements DevicePlan {
    private static final int ELEMENTS_A_TASK = 512;

    @Override
    public void run(Arguments arguments, ExecutionStream stream) {
        backend.checkOpen();
        MapArguments a = (MapArguments) arguments;
        Elements output = Elements.of(a.output());
        Map<String, Capture> captures = new HashMap<>();
        a.captures().forEach((name, t) -> captures.put(name, Capture.of(t)));
        backend.forEach(output.count(), ELEMENTS_A_TASK, (i, scratch) -> {
            Element e = new Element(a, captures, output, i);
            long at = output.at(e.b, e.h, e.q, e.d);
            if (spec.value().type() == ValueType.F32) {
                output.put(at, e.real(spec.value()));
            } else {
                output.put(at, e.whole(spec.value()));
            }
        });
    }

    private static final class Element {
        private final MapArguments arguments;
        private final Map<String, Capture> captures;
        private final int b;
        private final int h;
        private final int q;
        private final int d;

        Element(MapArguments arguments, Map<String, Capture> captures, Elements output, long i) {
            this.arguments = arguments;
            this.captures = captures;
            this.d = (int) (i % output.size(3));
            long rest = i / output.size(3);
            this.q = (int) (rest % output.size(2));
            rest /= output.size(2);
            this.h = (int) (rest % output.size(1));
            this.b = (int) (rest / output.size(1));
        }

        float real(Expr e) {
            return switch (e) {
                case Expr.FloatConst c -> c.value();
                case Expr.Scalar s -> number(s).floatValue();
                case Expr.Load l -> capture(l).floatAt(position(l));
                case Expr.Unary u when u.op() == Expr.UnaryOp.TO_FLOAT -> whole(u.operand());
                case Expr.Unary u -> {
                    float x = real(u.operand());
                    yield switch (u.op()) {
                        case NEGATE -> -x;
                        case ABS -> Math.abs(x);
                        case TANH -> (float) Math.tanh(x);
                        case EXP -> (float) Math.exp(x);
                        case EXP2 -> (float) Math.pow(2, x);
                        case LOG -> (float) Math.log(x);
                        case LOG2 -> (float) (Math.log(x) / Math.log(2));
                        case SQRT -> (float) Math.sqrt(x);
                        case SIGMOID -> (float) (1 / (1 + Math.exp(-x)));
                        default -> throw new IllegalStateException();
                    };
                }
                case Expr.Binary x -> {
                    float l = real(x.left());
                    float r = real(x.right());
                    yield switch (x.op()) {
                        case ADD -> l + r;
                        case SUBTRACT -> l - r;
                        case MULTIPLY -> l * r;
                        case DIVIDE -> l / r;
                        case MIN -> Math.min(l, r);
                        case MAX -> Math.max(l, r);
                        default -> throw new IllegalStateException();
                    };
                }
                case Expr.Select s -> whole(s.condition()) != 0 ? real(s.ifTrue()) : real(s.ifFalse());
                default -> throw new IllegalStateException();
            };
        }

        int whole(Expr e) {
            return switch (e) {
                case Expr.Index i ->
                    switch (i.kind()) {
                        case BATCH -> b;
                        case HEAD -> h;
                        case QUERY -> q;
                        default -> d;
                    };
                case Expr.IntConst c -> c.value();
                case Expr.BoolConst c -> c.value() ? 1 : 0;
                case Expr.Scalar s -> number(s).intValue();
                case Expr.Load l ->
                    capture(l).isTruth()
                            ? -capture(l).intAt(position(l))
                            : capture(l).intAt(position(l));
                case Expr.Unary u ->
                    switch (u.op()) {
                        case NEGATE -> -whole(u.operand());
                        case ABS -> Math.abs(whole(u.operand()));
                        case TO_INT -> (int) real(u.operand());
                        default -> 1 - whole(u.operand());
                    };
                case Expr.Binary x
                when x.left().type() == ValueType.F32 -> {
                    float l = real(x.left());
                    float r = real(x.right());
                    yield switch (x.op()) {
                                case LESS -> l < r;
                                case LESS_EQUAL -> l <= r;
                                default -> l == r;
                            }
                            ? 1
                            : 0;
                }
                case Expr.Binary x -> binary(x.op(), whole(x.left()), whole(x.right()));
                case Expr.Select s -> whole(s.condition()) != 0 ? whole(s.ifTrue()) : whole(s.ifFalse());
                default -> throw new IllegalStateException();
            };
        }

        private static int binary(Expr.BinaryOp op, int l, int r) {
            return switch (op) {
                case ADD -> l + r;
                case SUBTRACT -> l - r;
                case MULTIPLY -> l * r;
                case FLOOR_DIVIDE -> r == 0 ? 0 : Math.floorDiv(l, r);
                case MODULO -> r == 0 ? 0 : Math.floorMod(l, r);
                case MIN -> Math.min(l, r);
                case MAX -> Math.max(l, r);
                case LESS -> l < r ? 1 : 0;
                case LESS_EQUAL -> l <= r ? 1 : 0;
                case EQUAL -> l == r ? 1 : 0;
                case AND -> l & r;
                case OR -> l | r;
                case DIVIDE -> throw new IllegalStateException();
            };
        }

        private Number number(Expr.Scalar s) {
            return Objects.requireNonNull(arguments.scalars().get(s.name()));
        }

        private Capture capture(Expr.Load l) {
            return Objects.requireNonNull(captures.get(l.name()));
        }

        private long position(Expr.Load l) {
            long at = 0;
            for (int i = 0; i < l.indices().size(); i++) {
                at += capture(l).part(i, whole(l.indices().get(i)));
            }
            return at;
        }
    }

    @Override
    public String describe() {
        return "cpu, elements by an expression, " + backend.pool().size() + " threads";
    }

    @Override
    public void close() {}
}
