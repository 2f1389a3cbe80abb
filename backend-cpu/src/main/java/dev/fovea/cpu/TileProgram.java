package dev.fovea.cpu;

import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.IndexKind;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * An expression as steps over arrays. Each value has the domain it depends on, so that what depends only on the key or only on the
 * query is computed once and not for every pair. Slot 0 is the tile of the value that the expression transforms, which an F32 program
 * overwrites with its result; slot 1 is the tile of scores beside it. The columns of an output take the place of the keys.
 *
 * @param one steps once a block, in order
 * @param lane steps once a block, for each query row
 * @param key steps for each key of a tile
 * @param pair steps for each pair of a tile
 * @param slots domain and type of each slot
 * @param mask slot of a BOOL result over pairs; -1 for an F32 program
 */
record TileProgram(List<Step> one, List<Step> lane, List<Step> key, List<Step> pair, List<Slot> slots, int mask) {
    static final int VALUE = 0;
    static final int SCORE = 1;

    TileProgram {
        one = List.copyOf(one);
        lane = List.copyOf(lane);
        key = List.copyOf(key);
        pair = List.copyOf(pair);
        slots = List.copyOf(slots);
    }

    List<Step> steps(Domain domain) {
        return switch (domain) {
            case ONE -> one;
            case LANE -> lane;
            case KEY -> key;
            case PAIR -> pair;
        };
    }

    /** Whether a step takes this slot. */
    boolean reads(int slot) {
        return Stream.of(one, lane, key, pair).flatMap(List::stream).anyMatch(s -> s.in().contains(slot));
    }

    int stepCount() {
        return one.size() + lane.size() + key.size() + pair.size();
    }

    /** What a value depends on. */
    enum Domain {
        ONE,
        LANE,
        KEY,
        PAIR;

        Domain join(Domain other) {
            return this == other || other == ONE ? this : this == ONE ? other : PAIR;
        }
    }

    /** An array of values. Slots over pairs are shared by values that are never alive together. */
    record Slot(Domain domain, boolean isFloat) {}

    enum Op {
        CONSTANT,
        INDEX,
        SCALAR,
        LOAD,
        /** From a smaller domain to a larger one, or a copy. */
        EXPAND,
        ADD,
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
        OR,
        NEGATE,
        ABS,
        TANH,
        EXP,
        EXP2,
        LOG,
        LOG2,
        SQRT,
        SIGMOID,
        TO_INT,
        TO_FLOAT,
        NOT,
        SELECT,
        /** A select over pairs whose condition depends on the key alone: whole rows, and none to copy where it holds. */
        SELECT_ROWS
    }

    /**
     * One operation.
     *
     * @param domain domain of the result
     * @param isFloat type of the operands: of the result, except for comparisons, conversions and the condition of a select
     * @param leaf the constant, scalar or load
     * @param index of INDEX
     */
    record Step(
            Op op,
            Domain domain,
            boolean isFloat,
            int out,
            List<Integer> in,
            @Nullable Expr leaf,
            @Nullable IndexKind index) {
        Step {
            in = List.copyOf(in);
        }

        int a() {
            return in.get(0);
        }

        int b() {
            return in.get(1);
        }

        int c() {
            return in.get(2);
        }
    }
}
