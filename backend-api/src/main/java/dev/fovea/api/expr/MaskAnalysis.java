package dev.fovea.api.expr;

import dev.fovea.api.expr.Expr.BinaryOp;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expr.UnaryOp;
import dev.fovea.api.expr.IntervalProgram.Linear;
import dev.fovea.api.expr.IntervalProgram.Step;
import java.util.Arrays;

/**
 * Whether a mask hides all pairs of a tile, none, or some: the expression read over intervals of indices, in three-valued logic. Where
 * that leaves the matter open, the tile is cut where comparisons of an index, or of the distance of query and key, with what is
 * constant over the tile change over, and the parts are read. So causal, window, sink and window, prefix, document (ids sorted),
 * dilated and block-causal masks are exact; any other answer errs only toward {@link Verdict#PARTIAL}.
 *
 * <p>An analysis keeps scratch space: one thread at a time, others use a {@link #copy}.
 */
public final class MaskAnalysis {
    /** Cuts along an axis, and parts in all, beyond which a tile counts as partial. */
    private static final int CUTS = 8;

    private static final int PARTS = 128;

    public enum Verdict {
        /** No pair is visible. */
        SKIP,
        /** Some pair may be visible, another not. */
        PARTIAL,
        /** Every pair is visible. */
        FULL
    }

    /**
     * A set of (batch, head, query, key) tuples: every query with every key. Where the bounds of q and qpos have one width, qpos - q is
     * the same for all its queries, as it is within a sequence.
     */
    public interface Tile {
        /** Smallest value of an index in the tile; above {@link #largest} if the tile is empty. */
        int least(IndexKind kind);

        int largest(IndexKind kind);

        Number scalar(String name);

        /** Bounds of what a load (I32, or BOOL as 0/1) gives when each index lies in [from, to], after clamping; false: unknown. */
        boolean range(Expr.Load load, int[] from, int[] to, int[] leastAndLargest);

        /** Whether {@code kpos - k} is the same for all keys of the tile, which bounds alone do not tell; false costs exactness only. */
        default boolean keysInOrder() {
            return false;
        }
    }

    private final IntervalProgram program;
    private final boolean queryPositions;
    private final boolean keyPositions;
    private final IntervalRun run;
    private final PairRange whole;
    private final PairRange part;
    private final Cuts queryCuts = new Cuts();
    private final Cuts keyCuts = new Cuts();
    private final Cuts differenceCuts = new Cuts();

    private MaskAnalysis(IntervalProgram program, boolean queryPositions, boolean keyPositions) {
        this.program = program;
        this.queryPositions = queryPositions;
        this.keyPositions = keyPositions;
        this.run = new IntervalRun(program);
        this.whole = new PairRange(queryPositions, keyPositions);
        this.part = new PairRange(queryPositions, keyPositions);
    }

    /**
     * The analysis of a mask.
     *
     * @throws IllegalArgumentException if the expression is not BOOL
     */
    public static MaskAnalysis of(Expr mask) {
        if (mask.type() != ValueType.BOOL) {
            throw new IllegalArgumentException("a mask is BOOL, got " + mask.type() + ": " + mask.text());
        }
        return new MaskAnalysis(
                new IntervalProgram(mask), mask.uses(IndexKind.QUERY_POSITION), mask.uses(IndexKind.KEY_POSITION));
    }

    /** The same analysis for another thread. */
    public MaskAnalysis copy() {
        return new MaskAnalysis(program, queryPositions, keyPositions);
    }

    public Verdict verdict(Tile tile) {
        whole.set(tile);
        if (whole.isEmpty()) {
            return Verdict.SKIP;
        }
        int seen = run.run(tile, whole, false);
        return switch (seen) {
            case IntervalRun.TRUE -> Verdict.FULL;
            case IntervalRun.FALSE -> Verdict.SKIP;
            default -> byParts(tile);
        };
    }

    private Verdict byParts(Tile tile) {
        queryCuts.start(whole.queryFrom, whole.queryTo);
        keyCuts.start(whole.keyFrom, whole.keyTo);
        differenceCuts.start(whole.differenceFrom, whole.differenceTo);
        for (int i = 0; i < run.size(); i++) {
            if (run.step(i) instanceof Step.Compared c) {
                cut(c);
            }
        }
        int parts = queryCuts.parts() * keyCuts.parts() * differenceCuts.parts();
        if (parts == 1 || parts > PARTS) {
            return Verdict.PARTIAL;
        }
        int seen = 0;
        for (int d = 0; d < differenceCuts.parts(); d++) {
            for (int k = 0; k < keyCuts.parts(); k++) {
                for (int q = 0; q < queryCuts.parts(); q++) {
                    seen |= seen(tile, q, k, d);
                    if (seen == IntervalRun.EITHER) {
                        return Verdict.PARTIAL;
                    }
                }
            }
        }
        return seen == IntervalRun.TRUE ? Verdict.FULL : Verdict.SKIP;
    }

    private int seen(Tile tile, int q, int k, int d) {
        boolean any = part.set(
                whole,
                queryCuts.from(q),
                queryCuts.to(q),
                keyCuts.from(k),
                keyCuts.to(k),
                differenceCuts.from(d),
                differenceCuts.to(d));
        return any ? run.run(tile, part, true) : 0;
    }

    /** Cuts where a comparison {@code form op 0} changes over, if but one index or the distance varies in it. */
    private void cut(Step.Compared c) {
        Linear form = c.difference();
        long q = whole.queryFactor(form);
        long k = whole.keyFactor(form);
        if (whole.usesOthers(form)) {
            return;
        }
        int open = -1;
        long openFactor = 0;
        long constant = form.constant() + whole.shifts(form);
        for (int i = 0; i < form.parts().length; i++) {
            int p = form.parts()[i];
            if (run.isPoint(p)) {
                constant += form.factors()[i] * run.from[p];
            } else if (open >= 0) {
                return;
            } else {
                open = p;
                openFactor = form.factors()[i];
            }
        }
        if (open < 0) {
            cut(q, k, constant, c.op() == BinaryOp.LESS_EQUAL ? 1 : 0, c.op() == BinaryOp.LESS ? 0 : 1);
        } else if (q == 0 && k == 0) {
            within(run.step(open), openFactor, constant);
        }
    }

    /** Cuts inside {@code |form|} and {@code form // divisor} where {@code factor * step + constant} passes 0. */
    private void within(Step step, long factor, long constant) {
        long at = Math.floorDiv(-constant, factor);
        if (step instanceof Step.One one && one.op() == UnaryOp.ABS && one.operandType() == ValueType.I32) {
            cutOperand(one.operand(), at, at + 1);
            cutOperand(one.operand(), -at, -at + 1);
        } else if (step instanceof Step.Two two && two.op() == BinaryOp.FLOOR_DIVIDE && run.isPoint(two.right())) {
            long divisor = run.from[two.right()];
            if (divisor > 0) {
                cutOperand(two.left(), at * divisor, at * divisor);
                cutOperand(two.left(), (at + 1) * divisor, (at + 1) * divisor);
            }
        }
    }

    private void cutOperand(int operand, long from, long to) {
        if (run.step(operand) instanceof Step.Sum sum && !whole.usesOthers(sum.form())) {
            Linear form = sum.form();
            long constant = form.constant() + whole.shifts(form);
            for (int i = 0; i < form.parts().length; i++) {
                if (!run.isPoint(form.parts()[i])) {
                    return;
                }
                constant += form.factors()[i] * run.from[form.parts()[i]];
            }
            cut(whole.queryFactor(form), whole.keyFactor(form), constant, from, to);
        }
    }

    /** Cuts where {@code q * query + k * key + constant} reaches each value from {@code from} to {@code to}. */
    private void cut(long q, long k, long constant, long from, long to) {
        Cuts axis;
        long factor;
        if (q == -k && q != 0) {
            axis = differenceCuts;
            factor = q;
        } else if (q != 0 && k == 0) {
            axis = queryCuts;
            factor = q;
        } else if (k != 0 && q == 0) {
            axis = keyCuts;
            factor = k;
        } else {
            return;
        }
        for (long value = from; value <= to; value++) {
            // form < value on one side of the cut, form >= value on the other
            long bound = value - constant;
            axis.add(factor > 0 ? Math.ceilDiv(bound, factor) : Math.floorDiv(-bound, -factor) + 1);
        }
    }

    /** Where a range of whole numbers is cut: each number is the first of a part. */
    private static final class Cuts {
        private final long[] firsts = new long[CUTS + 1];
        private int count;
        private long last;

        void start(long from, long to) {
            firsts[0] = from;
            count = 1;
            last = to;
        }

        void add(long first) {
            if (first <= firsts[0] || first > last || count > CUTS) {
                return;
            }
            int at = Arrays.binarySearch(firsts, 0, count, first);
            if (at < 0) {
                int insert = -at - 1;
                System.arraycopy(firsts, insert, firsts, insert + 1, count - insert);
                firsts[insert] = first;
                count++;
            }
        }

        int parts() {
            return count;
        }

        long from(int part) {
            return firsts[part];
        }

        long to(int part) {
            return part + 1 < count ? firsts[part + 1] - 1 : last;
        }
    }
}
