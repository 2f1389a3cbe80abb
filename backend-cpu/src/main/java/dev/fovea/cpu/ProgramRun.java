package dev.fovea.cpu;

import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.cpu.TileProgram.Domain;
import dev.fovea.cpu.TileProgram.Slot;
import dev.fovea.cpu.TileProgram.Step;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Objects;

/** A program at work on the tiles of one block of query rows. */
final class ProgramRun {
    private static final int[] NONE = {};

    private final TileProgram program;
    private final Place place;
    private final Map<String, Number> scalars;
    private final Map<String, Capture> captures;
    private final TileOps ops;
    private final int lanes;
    private final Scratch scratch;
    private final IdentityHashMap<Step, LoadRun> loads = new IdentityHashMap<>();
    private final float[][] floats;
    private final int[][] ints;

    /** Slots over pairs come from the scratch: the runs of one thread use them one after another. */
    ProgramRun(
            TileProgram program,
            Place place,
            Map<String, Number> scalars,
            Map<String, Capture> captures,
            TileOps ops,
            int lanes,
            int keys,
            Scratch scratch) {
        this.program = program;
        this.place = place;
        this.scalars = scalars;
        this.captures = captures;
        this.ops = ops;
        this.lanes = lanes;
        this.scratch = scratch;
        int n = program.slots().size();
        this.floats = new float[n][];
        this.ints = new int[n][];
        for (int i = TileProgram.SCORE + 1; i < n; i++) {
            Slot slot = program.slots().get(i);
            int size = switch (slot.domain()) {
                case ONE -> 1;
                case LANE -> lanes;
                case KEY -> keys;
                case PAIR -> lanes * keys;
            };
            boolean own = slot.domain() != Domain.PAIR;
            if (slot.isFloat()) {
                floats[i] = own ? new float[size] : scratch.floats(Scratch.Role.PROGRAM, i, size);
            } else {
                ints[i] = own ? new int[size] : scratch.ints(i, size);
            }
        }
    }

    /** Evaluates what depends on the query rows; call it when the place's lanes are set. */
    void rows() {
        loads.clear(); // they hold what they know of the rows before
        run(Domain.ONE, 1);
        run(Domain.LANE, lanes);
    }

    /** Applies the program to the tile s[keys][lanes] of scores that starts at the place's key. */
    void apply(float[] s, int keys) {
        apply(s, s, keys);
    }

    /** Applies the program to a tile of values [keys][lanes] beside that of their scores. */
    void apply(float[] values, float[] scores, int keys) {
        floats[TileProgram.VALUE] = values;
        floats[TileProgram.SCORE] = scores;
        run(Domain.KEY, keys);
        run(Domain.PAIR, keys * lanes);
        if (program.mask() >= 0) {
            ops.mask(ints[program.mask()], values, keys * lanes);
        }
    }

    /** Evaluates n elements of a row from the place's column on, to {@code out} or, if they are not F32, to what this gives. */
    int[] elements(float[] out, int n) {
        floats[TileProgram.VALUE] = out;
        run(Domain.KEY, n);
        run(Domain.PAIR, n);
        return program.mask() < 0 ? NONE : ints[program.mask()];
    }

    private void run(Domain domain, int n) {
        for (Step step : program.steps(domain)) {
            switch (step.op()) {
                case CONSTANT, SCALAR -> leaf(step);
                case INDEX -> index(step, n);
                case LOAD -> load(step, n);
                case EXPAND -> expand(step, n);
                case SELECT -> select(step, n);
                case SELECT_ROWS -> selectRows(step, n / lanes);
                case NEGATE, ABS, TANH, EXP, EXP2, LOG, LOG2, SQRT, SIGMOID, TO_INT, TO_FLOAT, NOT -> unary(step, n);
                case ADD,
                        SUBTRACT,
                        MULTIPLY,
                        DIVIDE,
                        FLOOR_DIVIDE,
                        MODULO,
                        MIN,
                        MAX,
                        LESS,
                        LESS_EQUAL,
                        EQUAL,
                        AND,
                        OR -> {
                    if (step.isFloat()) {
                        floatBinary(step, n);
                    } else {
                        intBinary(step, n);
                    }
                }
            }
        }
    }

    private void leaf(Step step) {
        switch (Objects.requireNonNull(step.leaf())) {
            case Expr.FloatConst c -> floats[step.out()][0] = c.value();
            case Expr.IntConst c -> ints[step.out()][0] = c.value();
            case Expr.BoolConst c -> ints[step.out()][0] = c.value() ? -1 : 0;
            case Expr.Scalar s -> {
                Number value = Objects.requireNonNull(scalars.get(s.name()));
                if (step.isFloat()) {
                    floats[step.out()][0] = value.floatValue();
                } else {
                    ints[step.out()][0] = value.intValue();
                }
            }
            default -> throw new IllegalStateException("not a leaf: " + step);
        }
    }

    private void index(Step step, int n) {
        int[] out = ints[step.out()];
        IndexKind kind = Objects.requireNonNull(step.index());
        for (int i = 0; i < n; i++) {
            out[i] = switch (kind) {
                case BATCH -> place.batch;
                case HEAD -> place.heads[i];
                case KEY_HEAD -> place.keyHead;
                case QUERY -> place.queries[i];
                case QUERY_POSITION -> place.queries[i] + place.queryOffset;
                case KEY -> place.keys == null ? place.key + i : place.keys[i];
                case KEY_POSITION -> place.positions == null ? place.key + i : place.positions[i];
                case QUERY_LENGTH -> place.queryLength;
                case KEY_LENGTH -> place.keyLength;
                case CHANNEL -> place.column + i;
            };
        }
    }

    private void expand(Step step, int n) {
        Domain from = program.slots().get(step.a()).domain();
        if (step.isFloat()) {
            float[] a = floats[step.a()];
            float[] out = floats[step.out()];
            switch (from) {
                case ONE -> Arrays.fill(out, 0, n, a[0]);
                case LANE -> ops.expandLanesFloat(a, out, n / lanes, lanes);
                case KEY -> {
                    if (lanes == 1) {
                        System.arraycopy(a, 0, out, 0, n);
                    } else {
                        ops.expandKeysFloat(a, out, n / lanes, lanes);
                    }
                }
                case PAIR -> System.arraycopy(a, 0, out, 0, n);
            }
        } else {
            int[] a = ints[step.a()];
            int[] out = ints[step.out()];
            switch (from) {
                case ONE -> Arrays.fill(out, 0, n, a[0]);
                case LANE -> ops.expandLanesInt(a, out, n / lanes, lanes);
                case KEY -> {
                    if (lanes == 1) {
                        System.arraycopy(a, 0, out, 0, n);
                    } else {
                        ops.expandKeysInt(a, out, n / lanes, lanes);
                    }
                }
                case PAIR -> System.arraycopy(a, 0, out, 0, n);
            }
        }
    }

    private void unary(Step step, int n) {
        int a = step.a();
        int out = step.out();
        switch (step.op()) {
            case NEGATE -> {
                if (step.isFloat()) {
                    ops.negateFloat(floats[a], floats[out], n);
                } else {
                    ops.negateInt(ints[a], ints[out], n);
                }
            }
            case ABS -> {
                if (step.isFloat()) {
                    ops.absFloat(floats[a], floats[out], n);
                } else {
                    ops.absInt(ints[a], ints[out], n);
                }
            }
            case TANH -> ops.tanh(floats[a], floats[out], n);
            case EXP -> ops.exp(floats[a], floats[out], n);
            case EXP2 -> ops.exp2(floats[a], floats[out], n);
            case LOG -> ops.log(floats[a], floats[out], n);
            case LOG2 -> ops.log2(floats[a], floats[out], n);
            case SQRT -> ops.sqrt(floats[a], floats[out], n);
            case SIGMOID -> ops.sigmoid(floats[a], floats[out], n);
            case TO_INT -> ops.toInt(floats[a], ints[out], n);
            case TO_FLOAT -> ops.toFloat(ints[a], floats[out], n);
            case NOT -> ops.not(ints[a], ints[out], n);
            default -> throw new IllegalStateException("not unary: " + step);
        }
    }

    private void floatBinary(Step step, int n) {
        float[] a = floats[step.a()];
        float[] b = floats[step.b()];
        int out = step.out();
        switch (step.op()) {
            case ADD -> ops.addFloat(a, b, floats[out], n);
            case SUBTRACT -> ops.subtractFloat(a, b, floats[out], n);
            case MULTIPLY -> ops.multiplyFloat(a, b, floats[out], n);
            case DIVIDE -> ops.divideFloat(a, b, floats[out], n);
            case MIN -> ops.minFloat(a, b, floats[out], n);
            case MAX -> ops.maxFloat(a, b, floats[out], n);
            case LESS -> ops.lessFloat(a, b, ints[out], n);
            case LESS_EQUAL -> ops.lessEqualFloat(a, b, ints[out], n);
            case EQUAL -> ops.equalFloat(a, b, ints[out], n);
            default -> throw new IllegalStateException("not on floats: " + step);
        }
    }

    private void intBinary(Step step, int n) {
        int[] a = ints[step.a()];
        int[] b = ints[step.b()];
        int[] out = ints[step.out()];
        boolean uniform = program.slots().get(step.b()).domain() == Domain.ONE;
        switch (step.op()) {
            case ADD -> ops.addInt(a, b, out, n);
            case SUBTRACT -> ops.subtractInt(a, b, out, n);
            case MULTIPLY -> ops.multiplyInt(a, b, out, n);
            case FLOOR_DIVIDE -> {
                if (uniform) {
                    ops.floorDivideInt(a, b[0], out, n);
                } else {
                    ops.floorDivideInt(a, b, out, n);
                }
            }
            case MODULO -> {
                if (uniform) {
                    ops.moduloInt(a, b[0], out, n);
                } else {
                    ops.moduloInt(a, b, out, n);
                }
            }
            case MIN -> ops.minInt(a, b, out, n);
            case MAX -> ops.maxInt(a, b, out, n);
            case LESS -> ops.lessInt(a, b, out, n);
            case LESS_EQUAL -> ops.lessEqualInt(a, b, out, n);
            case EQUAL -> ops.equalInt(a, b, out, n);
            case AND -> ops.and(a, b, out, n);
            case OR -> ops.or(a, b, out, n);
            default -> throw new IllegalStateException("not on ints: " + step);
        }
    }

    private void select(Step step, int n) {
        int[] condition = ints[step.a()];
        if (step.isFloat()) {
            ops.selectFloat(condition, floats[step.b()], floats[step.c()], floats[step.out()], n);
        } else {
            ops.selectInt(condition, ints[step.b()], ints[step.c()], ints[step.out()], n);
        }
    }

    private void selectRows(Step step, int keys) {
        int[] condition = ints[step.b()];
        for (int j = 0; j < keys; j++) {
            boolean holds = condition[j] != 0;
            int from = j * lanes;
            if (step.isFloat()) {
                float[] out = floats[step.out()];
                if (!holds) {
                    Arrays.fill(out, from, from + lanes, floats[step.c()][0]);
                } else if (out != floats[step.a()]) {
                    System.arraycopy(floats[step.a()], from, out, from, lanes);
                }
            } else {
                int[] out = ints[step.out()];
                if (!holds) {
                    Arrays.fill(out, from, from + lanes, ints[step.c()][0]);
                } else if (out != ints[step.a()]) {
                    System.arraycopy(ints[step.a()], from, out, from, lanes);
                }
            }
        }
    }

    private void load(Step step, int n) {
        LoadRun load = loads.computeIfAbsent(step, this::newLoad);
        boolean pairs = step.domain() == Domain.PAIR;
        if (step.isFloat()) {
            float[] out = floats[step.out()];
            if (pairs) {
                load.pairs(out, n / lanes, ops, scratch);
            } else {
                load.apply(step.domain(), out, n);
            }
        } else {
            int[] out = ints[step.out()];
            if (pairs) {
                load.pairs(out, n / lanes, ops, scratch);
            } else {
                load.apply(step.domain(), out, n);
            }
        }
    }

    private LoadRun newLoad(Step step) {
        Expr.Load load = (Expr.Load) Objects.requireNonNull(step.leaf());
        return new LoadRun(
                Objects.requireNonNull(captures.get(load.name())),
                step.in().stream().map(i -> ints[i]).toList(),
                step.in().stream().map(i -> program.slots().get(i).domain()).toList(),
                lanes);
    }
}
