package dev.fovea.api.expr;

import dev.fovea.api.expr.Expr.BinaryOp;
import dev.fovea.api.expr.IntervalProgram.Linear;
import dev.fovea.api.expr.IntervalProgram.Step;
import dev.fovea.api.expr.MaskAnalysis.Tile;

/**
 * Evaluates an {@link IntervalProgram} over ranges of indices, without allocating. A step of I32 has bounds, one of BOOL what it can
 * be, one of F32 bounds and whether it can be NaN; what may wrap around or is not known has the widest bounds.
 */
final class IntervalRun {
    static final int FALSE = 1;
    static final int TRUE = 2;
    static final int EITHER = 3;

    /** Divisors of one number that are tried one by one: {@code 1073741824 % distance == 0} tells the powers of two. */
    private static final long DIVISORS = 256;

    private final IntervalProgram program;
    private final Step[] steps;
    private final boolean[] varies;
    /** Bounds of I32 steps; of BOOL steps {@code from} holds what they can be. */
    final long[] from;

    final long[] to;
    /** Whether the bounds of an I32 step are those of int arithmetic that wrapped around. */
    private final boolean[] wrapped;

    private final FloatBounds floats;
    private final int[][] indexFrom;
    private final int[][] indexTo;
    private final int[] loaded = new int[2];

    IntervalRun(IntervalProgram program) {
        this.program = program;
        this.steps = program.steps().toArray(Step[]::new);
        int n = steps.length;
        varies = new boolean[n];
        from = new long[n];
        to = new long[n];
        wrapped = new boolean[n];
        floats = new FloatBounds(n);
        indexFrom = new int[Expr.Load.MAX_RANK + 1][];
        indexTo = new int[Expr.Load.MAX_RANK + 1][];
        for (int rank = 0; rank <= Expr.Load.MAX_RANK; rank++) {
            indexFrom[rank] = new int[rank];
            indexTo[rank] = new int[rank];
        }
        for (int i = 0; i < n; i++) {
            varies[i] = program.varies(i);
        }
    }

    /** What the mask can be over the pairs: a union of {@link #TRUE} and {@link #FALSE}. */
    int run(Tile tile, PairRange pairs, boolean again) {
        for (int i = 0; i < steps.length; i++) {
            if (!again || varies[i]) {
                step(i, tile, pairs);
            }
        }
        return (int) from[program.result()];
    }

    Step step(int i) {
        return steps[i];
    }

    int size() {
        return steps.length;
    }

    boolean isPoint(int i) {
        return from[i] == to[i];
    }

    private void step(int i, Tile tile, PairRange pairs) {
        switch (steps[i]) {
            case Step.Leaf leaf -> whole(i, tile.least(leaf.kind()), tile.largest(leaf.kind()));
            case Step.IntValue v -> whole(i, v.value(), v.value());
            case Step.FloatValue v -> floats.setPoint(i, v.value());
            case Step.BoolValue v -> from[i] = v.value() ? TRUE : FALSE;
            case Step.ScalarValue s -> scalar(i, tile.scalar(s.scalar().name()), s.scalar());
            case Step.Anything a -> floats.setUnknown(i);
            case Step.Loaded l -> load(i, l, tile);
            case Step.Sum s -> sum(i, s.form(), pairs);
            case Step.One one -> unary(i, one);
            case Step.Two two -> binary(i, two);
            case Step.Compared c -> compare(i, c, pairs);
            case Step.Chosen c -> choose(i, c);
        }
    }

    private void whole(int i, long least, long largest) {
        boolean over = least < Integer.MIN_VALUE || largest > Integer.MAX_VALUE;
        wrapped[i] = over;
        from[i] = over ? Integer.MIN_VALUE : least;
        to[i] = over ? Integer.MAX_VALUE : largest;
    }

    private void truth(int i, boolean canHold, boolean canFail) {
        from[i] = (canHold ? TRUE : 0) | (canFail ? FALSE : 0);
    }

    private void scalar(int i, Number value, Expr.Scalar scalar) {
        if (scalar.type() == ValueType.I32) {
            whole(i, value.intValue(), value.intValue());
        } else {
            floats.setPoint(i, value.floatValue());
        }
    }

    private void load(int i, Step.Loaded l, Tile tile) {
        ValueType type = l.load().type();
        if (type == ValueType.F32) {
            floats.setUnknown(i);
            return;
        }
        int rank = l.indices().length;
        for (int axis = 0; axis < rank; axis++) {
            indexFrom[rank][axis] = (int) from[l.indices()[axis]];
            indexTo[rank][axis] = (int) to[l.indices()[axis]];
        }
        boolean known = tile.range(l.load(), indexFrom[rank], indexTo[rank], loaded);
        if (type == ValueType.BOOL) {
            truth(i, !known || loaded[1] != 0, !known || loaded[0] == 0);
        } else {
            whole(i, known ? loaded[0] : Integer.MIN_VALUE, known ? loaded[1] : Integer.MAX_VALUE);
        }
    }

    private long least(Linear form, PairRange pairs) {
        long sum = form.constant() + pairs.least(form);
        for (int p = 0; p < form.parts().length; p++) {
            long f = form.factors()[p];
            sum += f * (f > 0 ? from : to)[form.parts()[p]];
        }
        return sum;
    }

    private long largest(Linear form, PairRange pairs) {
        long sum = form.constant() + pairs.largest(form);
        for (int p = 0; p < form.parts().length; p++) {
            long f = form.factors()[p];
            sum += f * (f > 0 ? to : from)[form.parts()[p]];
        }
        return sum;
    }

    private void sum(int i, Linear form, PairRange pairs) {
        whole(i, least(form, pairs), largest(form, pairs));
    }

    private void unary(int i, Step.One one) {
        int a = one.operand();
        switch (one.op()) {
            case NOT -> truth(i, (from[a] & FALSE) != 0, (from[a] & TRUE) != 0);
            case TO_FLOAT -> floats.fromInt(i, from[a], to[a]);
            case TO_INT -> floats.toInt(i, a, from, to, wrapped);
            default -> {
                if (one.operandType() == ValueType.F32) {
                    floats.unary(i, one.op(), a);
                } else if (one.op() == Expr.UnaryOp.ABS) {
                    boolean spans = from[a] <= 0 && to[a] >= 0;
                    long near = Math.min(Math.abs(from[a]), Math.abs(to[a]));
                    whole(i, spans ? 0 : near, Math.max(Math.abs(from[a]), Math.abs(to[a])));
                } else {
                    whole(i, -to[a], -from[a]);
                }
            }
        }
    }

    private void binary(int i, Step.Two two) {
        int a = two.left();
        int b = two.right();
        switch (two.operandType()) {
            case BOOL -> logical(i, two.op(), a, b);
            case I32 -> arithmetic(i, two.op(), a, b);
            case F32 -> {
                if (two.op().compares()) {
                    from[i] = floats.compare(two.op(), a, b);
                } else {
                    floats.binary(i, two.op(), a, b);
                }
            }
        }
    }

    private void logical(int i, BinaryOp op, int a, int b) {
        long either = from[a] | from[b];
        long both = from[a] & from[b];
        if (op == BinaryOp.AND) {
            truth(i, (both & TRUE) != 0, (either & FALSE) != 0);
        } else {
            truth(i, (either & TRUE) != 0, (both & FALSE) != 0);
        }
    }

    private void arithmetic(int i, BinaryOp op, int a, int b) {
        switch (op) {
            case ADD -> whole(i, from[a] + from[b], to[a] + to[b]);
            case SUBTRACT -> whole(i, from[a] - to[b], to[a] - from[b]);
            case MULTIPLY -> {
                long p = from[a] * from[b];
                long q = from[a] * to[b];
                long r = to[a] * from[b];
                long s = to[a] * to[b];
                whole(i, Math.min(Math.min(p, q), Math.min(r, s)), Math.max(Math.max(p, q), Math.max(r, s)));
            }
            case MIN -> whole(i, Math.min(from[a], from[b]), Math.min(to[a], to[b]));
            case MAX -> whole(i, Math.max(from[a], from[b]), Math.max(to[a], to[b]));
            case FLOOR_DIVIDE -> divide(i, a, b);
            case MODULO -> modulo(i, a, b);
            default -> throw new IllegalStateException("not whole-number arithmetic: " + op);
        }
    }

    private void divide(int i, int a, int b) {
        if (from[b] == 0 && to[b] == 0) {
            whole(i, 0, 0);
        } else if (from[b] > 0) {
            long least = Math.floorDiv(from[a], from[a] < 0 ? from[b] : to[b]);
            whole(i, least, Math.floorDiv(to[a], to[a] < 0 ? to[b] : from[b]));
        } else {
            long size = Math.max(Math.abs(from[a]), Math.abs(to[a]));
            whole(i, -size, size);
        }
    }

    private void modulo(int i, int a, int b) {
        if (from[b] == to[b] && from[b] > 0) {
            long period = from[b];
            boolean one = Math.floorDiv(from[a], period) == Math.floorDiv(to[a], period);
            whole(i, one ? Math.floorMod(from[a], period) : 0, one ? Math.floorMod(to[a], period) : period - 1);
        } else if (from[a] == to[a] && to[b] - from[b] < DIVISORS) {
            long least = Long.MAX_VALUE;
            long largest = Long.MIN_VALUE;
            for (long divisor = from[b]; divisor <= to[b]; divisor++) {
                long rest = divisor == 0 ? 0 : Math.floorMod(from[a], divisor);
                least = Math.min(least, rest);
                largest = Math.max(largest, rest);
            }
            whole(i, least, largest);
        } else {
            whole(i, Math.min(from[b] + 1, 0), Math.max(to[b] - 1, 0));
        }
    }

    private void compare(int i, Step.Compared c, PairRange pairs) {
        int a = c.left();
        int b = c.right();
        long least = from[a] - to[b];
        long largest = to[a] - from[b];
        if (!wrapped[a] && !wrapped[b]) {
            least = Math.max(least, least(c.difference(), pairs));
            largest = Math.min(largest, largest(c.difference(), pairs));
        }
        switch (c.op()) {
            case LESS -> truth(i, least < 0, largest >= 0);
            case LESS_EQUAL -> truth(i, least <= 0, largest > 0);
            case EQUAL -> truth(i, least <= 0 && largest >= 0, least != 0 || largest != 0);
            default -> throw new IllegalStateException("no comparison: " + c.op());
        }
    }

    private void choose(int i, Step.Chosen c) {
        boolean first = (from[c.condition()] & TRUE) != 0;
        boolean second = (from[c.condition()] & FALSE) != 0;
        int a = first ? c.ifTrue() : c.ifFalse();
        int b = second ? c.ifFalse() : c.ifTrue();
        switch (c.type()) {
            case BOOL -> from[i] = from[a] | from[b];
            case F32 -> floats.union(i, a, b);
            case I32 -> {
                from[i] = Math.min(from[a], from[b]);
                to[i] = Math.max(to[a], to[b]);
                wrapped[i] = wrapped[a] || wrapped[b];
            }
        }
    }
}
