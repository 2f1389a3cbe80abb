package dev.fovea.cpu;

import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.IndexKind;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An expression as steps over arrays. Each value has the domain it depends on, so that what depends only on the key or only on the
 * query is computed once and not for every pair. Slot 0 is the score tile, read by {@code Score} and written by an F32 program.
 *
 * @param steps in order of evaluation; those of a smaller domain never depend on a larger one
 * @param slots domain and type of each slot
 * @param mask slot of a BOOL result over pairs; -1 for an F32 program
 */
record TileProgram(List<Step> steps, List<Slot> slots, int mask) {
    static final int SCORE = 0;

    TileProgram {
        steps = List.copyOf(steps);
        slots = List.copyOf(slots);
    }

    /** The steps of each domain, in order. */
    Map<Domain, List<Step>> byDomain() {
        Map<Domain, List<Step>> all = new EnumMap<>(Domain.class);
        for (Domain d : Domain.values()) {
            all.put(d, steps.stream().filter(s -> s.domain() == d).toList());
        }
        return all;
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
        /** From a smaller domain to a larger one. */
        EXPAND,
        ADD,
        SUBTRACT,
        MULTIPLY,
        DIVIDE,
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
        TO_FLOAT,
        NOT,
        SELECT
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
