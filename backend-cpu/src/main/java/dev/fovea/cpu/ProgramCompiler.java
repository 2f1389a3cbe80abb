package dev.fovea.cpu;

import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expr.ValueKind;
import dev.fovea.api.expr.ValueType;
import dev.fovea.cpu.TileProgram.Domain;
import dev.fovea.cpu.TileProgram.Op;
import dev.fovea.cpu.TileProgram.Slot;
import dev.fovea.cpu.TileProgram.Step;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Turns an expression into a {@link TileProgram}: common subexpressions once, pair slots reused when their last reader is done. */
final class ProgramCompiler {
    private final boolean headVaries;
    private final boolean elements;
    private final List<Step> steps = new ArrayList<>();
    private final List<Slot> values = new ArrayList<>();
    private final Map<Expr, Integer> done = new HashMap<>();
    private final Map<Expansion, Integer> expanded = new HashMap<>();

    private record Expansion(int value, Domain domain) {}

    private ProgramCompiler(boolean headVaries, boolean elements) {
        this.headVaries = headVaries;
        this.elements = elements;
        values.add(new Slot(Domain.PAIR, true));
        values.add(new Slot(Domain.PAIR, true));
    }

    private ProgramCompiler(boolean headVaries, ValueKind transformed) {
        this(headVaries, false);
        done.put(new Expr.Value(ValueKind.SCORE), TileProgram.SCORE);
        done.put(new Expr.Value(transformed), TileProgram.VALUE);
    }

    /**
     * The program of an expression, or null if it changes nothing: the value itself, or a mask that is always true.
     *
     * @param headVaries whether the lanes of a tile belong to several query heads
     * @param transformed the value that an F32 program replaces by its result
     */
    static @Nullable TileProgram compile(Expr e, boolean headVaries, ValueKind transformed) {
        if (e.equals(new Expr.Value(transformed)) || e.equals(new Expr.BoolConst(true))) {
            return null;
        }
        return new ProgramCompiler(headVaries, transformed).program(e);
    }

    /**
     * The program of the elements of a tensor, for tiles of one lane: columns take the place of keys, and what a row has in common is
     * computed once for it. The mask of the program is the result of one that is not F32.
     */
    static TileProgram compileElements(Expr e) {
        return new ProgramCompiler(false, true).program(e);
    }

    private TileProgram program(Expr e) {
        int result = value(e);
        if (values.get(result).domain() != Domain.PAIR || result == TileProgram.SCORE) {
            result = expand(result);
        }
        return new SlotSharing(steps, values).share(result, e.type() != ValueType.F32);
    }

    private int value(Expr e) {
        Integer known = done.get(e);
        if (known != null) {
            return known;
        }
        int slot = switch (e) {
            case Expr.Value v -> throw new IllegalArgumentException("nothing here knows " + v.kind());
            case Expr.Index i -> emit(Op.INDEX, domain(i.kind()), false, false, List.of(), null, i.kind());
            case Expr.FloatConst c -> emit(Op.CONSTANT, Domain.ONE, true, true, List.of(), c, null);
            case Expr.IntConst c -> emit(Op.CONSTANT, Domain.ONE, false, false, List.of(), c, null);
            case Expr.BoolConst c -> emit(Op.CONSTANT, Domain.ONE, false, false, List.of(), c, null);
            case Expr.Scalar s -> {
                boolean f = s.type() == ValueType.F32;
                yield emit(Op.SCALAR, Domain.ONE, f, f, List.of(), s, null);
            }
            case Expr.Load l -> load(l);
            case Expr.Unary u -> {
                int a = value(u.operand());
                yield emit(
                        op(u.op()),
                        values.get(a).domain(),
                        values.get(a).isFloat(),
                        isFloat(u),
                        List.of(a),
                        null,
                        null);
            }
            case Expr.Binary b -> {
                int left = value(b.left());
                int right = value(b.right());
                Domain d = values.get(left).domain().join(values.get(right).domain());
                yield emit(
                        op(b.op()),
                        d,
                        values.get(left).isFloat(),
                        isFloat(b),
                        List.of(expand(left, d), divides(b.op()) ? divisor(right, d) : expand(right, d)),
                        null,
                        null);
            }
            case Expr.Select s -> select(s);
        };
        done.put(e, slot);
        return slot;
    }

    private static boolean divides(Expr.BinaryOp op) {
        return op == Expr.BinaryOp.FLOOR_DIVIDE || op == Expr.BinaryOp.MODULO;
    }

    /** Division by one number is much faster than by many. */
    private int divisor(int value, Domain d) {
        return values.get(value).domain() == Domain.ONE ? value : expand(value, d);
    }

    private int select(Expr.Select s) {
        int condition = value(s.condition());
        int a = value(s.ifTrue());
        int b = value(s.ifFalse());
        if (!elements && selectsRows(condition, a) && values.get(b).domain() == Domain.ONE) {
            return selectRows(condition, a, b, isFloat(s));
        }
        Domain d = values.get(condition)
                .domain()
                .join(values.get(a).domain())
                .join(values.get(b).domain());
        return emit(
                Op.SELECT,
                d,
                isFloat(s),
                isFloat(s),
                List.of(expand(condition, d), expand(a, d), expand(b, d)),
                null,
                null);
    }

    private boolean selectsRows(int condition, int chosen) {
        return values.get(condition).domain() == Domain.KEY
                && values.get(chosen).domain() == Domain.PAIR;
    }

    private int selectRows(int condition, int chosen, int otherwise, boolean isFloat) {
        return emit(Op.SELECT_ROWS, Domain.PAIR, isFloat, isFloat, List.of(chosen, condition, otherwise), null, null);
    }

    private int load(Expr.Load l) {
        List<Integer> in = l.indices().stream().map(this::value).toList();
        Domain d = Domain.ONE;
        for (int v : in) {
            d = d.join(values.get(v).domain());
        }
        if (elements && d == Domain.KEY) {
            d = Domain.PAIR; // where loads are read in runs and slots are shared
        }
        return emit(Op.LOAD, d, isFloat(l), isFloat(l), in, l, null);
    }

    private static boolean isFloat(Expr e) {
        return e.type() == ValueType.F32;
    }

    private int expand(int value, Domain d) {
        Slot slot = values.get(value);
        return slot.domain() == d ? value : expandTo(value, d);
    }

    private int expand(int value) {
        return expandTo(value, Domain.PAIR);
    }

    private int expandTo(int value, Domain d) {
        Slot slot = values.get(value);
        Expansion key = new Expansion(value, d);
        Integer known = expanded.get(key);
        if (known != null) {
            return known;
        }
        int v = emit(Op.EXPAND, d, slot.isFloat(), slot.isFloat(), List.of(value), null, null);
        expanded.put(key, v);
        return v;
    }

    private int emit(
            Op op,
            Domain domain,
            boolean floatOperands,
            boolean floatResult,
            List<Integer> in,
            @Nullable Expr leaf,
            @Nullable IndexKind index) {
        int v = values.size();
        values.add(new Slot(domain, floatResult));
        steps.add(new Step(op, domain, floatOperands, v, in, leaf, index));
        return v;
    }

    private Domain domain(IndexKind kind) {
        return switch (kind) {
            case BATCH, KEY_HEAD, QUERY_LENGTH, KEY_LENGTH -> Domain.ONE;
            case HEAD -> headVaries ? Domain.LANE : Domain.ONE;
            case QUERY, QUERY_POSITION -> elements ? Domain.ONE : Domain.LANE;
            case KEY, KEY_POSITION, CHANNEL -> Domain.KEY;
        };
    }

    private static Op op(Expr.UnaryOp op) {
        return switch (op) {
            case NEGATE -> Op.NEGATE;
            case ABS -> Op.ABS;
            case TANH -> Op.TANH;
            case EXP -> Op.EXP;
            case EXP2 -> Op.EXP2;
            case LOG -> Op.LOG;
            case LOG2 -> Op.LOG2;
            case SQRT -> Op.SQRT;
            case SIGMOID -> Op.SIGMOID;
            case TO_INT -> Op.TO_INT;
            case TO_FLOAT -> Op.TO_FLOAT;
            case NOT -> Op.NOT;
        };
    }

    private static Op op(Expr.BinaryOp op) {
        return switch (op) {
            case ADD -> Op.ADD;
            case SUBTRACT -> Op.SUBTRACT;
            case MULTIPLY -> Op.MULTIPLY;
            case DIVIDE -> Op.DIVIDE;
            case FLOOR_DIVIDE -> Op.FLOOR_DIVIDE;
            case MODULO -> Op.MODULO;
            case MIN -> Op.MIN;
            case MAX -> Op.MAX;
            case LESS -> Op.LESS;
            case LESS_EQUAL -> Op.LESS_EQUAL;
            case EQUAL -> Op.EQUAL;
            case AND -> Op.AND;
            case OR -> Op.OR;
        };
    }

    /** Gives values slots: each value its own, except that values over pairs take over those of dead ones. */
    private static final class SlotSharing {
        private final List<Step> steps;
        private final List<Slot> values;
        private final int[] lastUse;
        private final int[] slotOf;
        private final List<Slot> slots = new ArrayList<>();
        private final Map<Boolean, Deque<Integer>> free = Map.of(true, new ArrayDeque<>(), false, new ArrayDeque<>());

        SlotSharing(List<Step> steps, List<Slot> values) {
            this.steps = steps;
            this.values = values;
            this.lastUse = new int[values.size()];
            this.slotOf = new int[values.size()];
            for (int i = 0; i < steps.size(); i++) {
                for (int v : steps.get(i).in()) {
                    lastUse[v] = i;
                }
            }
            slots.add(values.get(TileProgram.VALUE));
            slots.add(values.get(TileProgram.SCORE));
            slotOf[TileProgram.SCORE] = TileProgram.SCORE;
        }

        TileProgram share(int result, boolean mask) {
            List<Step> out = new ArrayList<>();
            for (int i = 0; i < steps.size(); i++) {
                Step s = steps.get(i);
                List<Integer> in = s.in().stream().map(v -> slotOf[v]).toList();
                for (int v : s.in().reversed().stream().distinct().toList()) {
                    if (lastUse[v] == i
                            && v > TileProgram.SCORE
                            && values.get(v).domain() == Domain.PAIR) {
                        free(values.get(v)).push(slotOf[v]); // the result may overwrite it: operations are elementwise
                    }
                }
                boolean last = s.out() == result && !mask; // nobody reads the old value any more
                slotOf[s.out()] = last ? TileProgram.VALUE : slot(values.get(s.out()));
                out.add(new Step(s.op(), s.domain(), s.isFloat(), slotOf[s.out()], in, s.leaf(), s.index()));
            }
            return new TileProgram(
                    of(out, Domain.ONE),
                    of(out, Domain.LANE),
                    of(out, Domain.KEY),
                    of(out, Domain.PAIR),
                    slots,
                    mask ? slotOf[result] : -1);
        }

        private static List<Step> of(List<Step> all, Domain domain) {
            return all.stream().filter(s -> s.domain() == domain).toList();
        }

        private int slot(Slot value) {
            if (value.domain() == Domain.PAIR && !free(value).isEmpty()) {
                return free(value).pop();
            }
            slots.add(value);
            return slots.size() - 1;
        }

        private Deque<Integer> free(Slot value) {
            return Objects.requireNonNull(free.get(value.isFloat()));
        }
    }
}
