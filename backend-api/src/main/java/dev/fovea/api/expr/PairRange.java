package dev.fovea.api.expr;

import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.MaskAnalysis.Tile;

/**
 * The (query, key) pairs of a tile or of a part of it: ranges of both and of their difference. One of q and qpos, and one of k and
 * kpos, leads; where the other is known to be it plus a constant, it is read off.
 */
final class PairRange {
    private final boolean queryPositions;
    private final boolean keyPositions;
    private boolean queriesShifted;
    private boolean keysShifted;
    private long queryShift;
    private long keyShift;
    long queryFrom;
    long queryTo;
    long keyFrom;
    long keyTo;
    long differenceFrom;
    long differenceTo;
    private long otherQueryFrom;
    private long otherQueryTo;
    private long otherKeyFrom;
    private long otherKeyTo;

    /** {@code queryPositions}: qpos leads, not q; {@code keyPositions} likewise. */
    PairRange(boolean queryPositions, boolean keyPositions) {
        this.queryPositions = queryPositions;
        this.keyPositions = keyPositions;
    }

    void set(Tile tile) {
        IndexKind query = queryPositions ? IndexKind.QUERY_POSITION : IndexKind.QUERY;
        IndexKind key = keyPositions ? IndexKind.KEY_POSITION : IndexKind.KEY;
        queryFrom = tile.least(query);
        queryTo = tile.largest(query);
        keyFrom = tile.least(key);
        keyTo = tile.largest(key);
        if (queryPositions) {
            otherQueryFrom = tile.least(IndexKind.QUERY);
            otherQueryTo = tile.largest(IndexKind.QUERY);
            queriesShifted = otherQueryTo - otherQueryFrom == queryTo - queryFrom;
            queryShift = otherQueryFrom - queryFrom;
        }
        if (keyPositions) {
            otherKeyFrom = tile.least(IndexKind.KEY);
            otherKeyTo = tile.largest(IndexKind.KEY);
            // with positions of their own, slots may be in any order, whatever their bounds
            keysShifted = tile.keysInOrder() && otherKeyTo - otherKeyFrom == keyTo - keyFrom;
            keyShift = otherKeyFrom - keyFrom;
        }
        differenceFrom = queryFrom - keyTo;
        differenceTo = queryTo - keyFrom;
    }

    boolean isEmpty() {
        return queryFrom > queryTo || keyFrom > keyTo;
    }

    /** The pairs of {@code whole} within these ranges; false if there are none. */
    boolean set(PairRange whole, long qFrom, long qTo, long kFrom, long kTo, long dFrom, long dTo) {
        queriesShifted = whole.queriesShifted;
        keysShifted = whole.keysShifted;
        queryShift = whole.queryShift;
        keyShift = whole.keyShift;
        otherQueryFrom = whole.otherQueryFrom;
        otherQueryTo = whole.otherQueryTo;
        otherKeyFrom = whole.otherKeyFrom;
        otherKeyTo = whole.otherKeyTo;
        differenceFrom = Math.max(dFrom, qFrom - kTo);
        differenceTo = Math.min(dTo, qTo - kFrom);
        if (qFrom > qTo || kFrom > kTo || differenceFrom > differenceTo) {
            return false;
        }
        queryFrom = Math.max(qFrom, kFrom + differenceFrom);
        queryTo = Math.min(qTo, kTo + differenceTo);
        keyFrom = Math.max(kFrom, qFrom - differenceTo);
        keyTo = Math.min(kTo, qTo - differenceFrom);
        return true;
    }

    /** Coefficient of the leading query index, with what is read off it. */
    long queryFactor(IntervalProgram.Linear form) {
        return queryPositions ? form.queryPosition() + (queriesShifted ? form.query() : 0) : form.query();
    }

    long keyFactor(IntervalProgram.Linear form) {
        return keyPositions ? form.keyPosition() + (keysShifted ? form.key() : 0) : form.key();
    }

    /** Least value of what the indices add to a form. */
    long least(IntervalProgram.Linear form) {
        return bound(form, true);
    }

    long largest(IntervalProgram.Linear form) {
        return bound(form, false);
    }

    private long bound(IntervalProgram.Linear form, boolean least) {
        long q = queryFactor(form);
        long k = keyFactor(form);
        long sum = shifts(form);
        if (q == -k) {
            sum += part(q, differenceFrom, differenceTo, least);
        } else {
            sum += part(q, queryFrom, queryTo, least) + part(k, keyFrom, keyTo, least);
        }
        if (queryPositions && !queriesShifted) {
            sum += part(form.query(), otherQueryFrom, otherQueryTo, least);
        }
        if (keyPositions && !keysShifted) {
            sum += part(form.key(), otherKeyFrom, otherKeyTo, least);
        }
        return sum;
    }

    /** The constant that reading one index off the other leaves. */
    long shifts(IntervalProgram.Linear form) {
        return (queryPositions && queriesShifted ? form.query() * queryShift : 0)
                + (keyPositions && keysShifted ? form.key() * keyShift : 0);
    }

    /** Whether a form depends on an index that is not read off the leading ones. */
    boolean usesOthers(IntervalProgram.Linear form) {
        return queryPositions && !queriesShifted && form.query() != 0
                || keyPositions && !keysShifted && form.key() != 0;
    }

    private static long part(long factor, long from, long to, boolean least) {
        return factor * (factor > 0 == least ? from : to);
    }
}
