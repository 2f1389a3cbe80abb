package dev.fovea.cpu;

import dev.fovea.cpu.TileProgram.Domain;
import java.util.List;

/**
 * The load of one captured tensor, for the tiles of one block of query rows. The positions are sums of a part of each index; what
 * comes from the query side is known before the first tile, and along the keys memory is usually dense.
 */
final class LoadRun {
    private final Capture from;
    private final int[][] indices;
    private final Domain[] domains;
    private final int lanes;
    private final boolean perPair;

    /** The only axis whose index depends on the key; -1 if there is none or another. */
    private final int keyAxis;

    /** Position by lane, of the indices that depend on the query or on nothing. */
    private final long[] laneBase;

    private final boolean lanesAgree;

    /** The only axis whose index differs from element to element, for tiles of one lane; -1 if there is none or another. */
    private final int onlyAxis;

    /** Made when the indices of the query side are evaluated. */
    LoadRun(Capture from, List<int[]> indices, List<Domain> domains, int lanes) {
        this.from = from;
        this.indices = indices.toArray(int[][]::new);
        this.domains = domains.toArray(Domain[]::new);
        this.lanes = lanes;
        this.perPair = domains.contains(Domain.PAIR);
        int axis = domains.indexOf(Domain.KEY);
        this.keyAxis = domains.lastIndexOf(Domain.KEY) == axis ? axis : -1;
        this.laneBase = new long[lanes];
        boolean agree = true;
        for (int r = 0; r < lanes; r++) {
            laneBase[r] = rowPart(r);
            agree &= laneBase[r] == laneBase[0];
        }
        this.lanesAgree = agree;
        int only = -1;
        int varying = 0;
        for (int i = 0; i < this.domains.length; i++) {
            if (this.domains[i] == Domain.KEY || this.domains[i] == Domain.PAIR) {
                only = i;
                varying++;
            }
        }
        this.onlyAxis = lanes == 1 && varying == 1 ? only : -1;
    }

    private long rowPart(int lane) {
        long at = 0;
        for (int axis = 0; axis < indices.length; axis++) {
            if (domains[axis] == Domain.ONE || domains[axis] == Domain.LANE) {
                at += from.part(axis, indices[axis][domains[axis] == Domain.ONE ? 0 : lane]);
            }
        }
        return at;
    }

    private long keyPart(int key) {
        long at = 0;
        for (int axis = 0; axis < indices.length; axis++) {
            if (domains[axis] == Domain.KEY) {
                at += from.part(axis, indices[axis][key]);
            }
        }
        return at;
    }

    private long pairPart(int pair) {
        long at = 0;
        for (int axis = 0; axis < indices.length; axis++) {
            if (domains[axis] == Domain.PAIR) {
                at += from.part(axis, indices[axis][pair]);
            }
        }
        return at;
    }

    /** How many keys from the first on lie next to each other in memory; the others repeat the last of them or lie anywhere. */
    private int denseKeys(int keys) {
        if (keyAxis >= 0) {
            return from.neighbours(keyAxis, indices[keyAxis], keys);
        }
        long first = keyPart(0);
        int n = 1;
        while (n < keys && keyPart(n) == first + n) {
            n++;
        }
        return n;
    }

    /** Values of a domain other than pairs. */
    void apply(Domain domain, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = from.floatAt(domain == Domain.KEY ? laneBase[0] + keyPart(i) : laneBase[i]);
        }
    }

    void apply(Domain domain, int[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = from.intAt(domain == Domain.KEY ? laneBase[0] + keyPart(i) : laneBase[i]);
        }
    }

    /** Values of all pairs of a tile. */
    void pairs(float[] out, int keys, TileOps ops, Scratch scratch) {
        if (onlyAxis >= 0) {
            from.read(laneBase[0], onlyAxis, indices[onlyAxis], out, keys, scratch);
            return;
        }
        if (perPair) {
            for (int i = 0; i < keys * lanes; i++) {
                out[i] = from.floatAt(laneBase[i % lanes] + keyPart(i / lanes) + pairPart(i));
            }
            return;
        }
        int run = denseKeys(keys);
        long first = keyPart(0);
        boolean single = lanes == 1;
        float[] dense = single ? out : scratch.floats(Scratch.Role.ROW, lanes * keys);
        int rows = lanesAgree ? 1 : lanes;
        for (int r = 0; r < rows; r++) {
            from.read(laneBase[r] + first, dense, r * keys, run, scratch);
            for (int j = run; j < keys; j++) {
                dense[r * keys + j] = from.floatAt(laneBase[r] + keyPart(j));
            }
        }
        if (single) {
            return;
        }
        if (lanesAgree) {
            ops.expandKeysFloat(dense, out, keys, lanes);
        } else {
            ops.toLanesFloat(dense, keys, 1, out, lanes);
        }
    }

    void pairs(int[] out, int keys, TileOps ops, Scratch scratch) {
        if (onlyAxis >= 0) {
            from.read(laneBase[0], onlyAxis, indices[onlyAxis], out, keys, scratch);
            return;
        }
        if (perPair) {
            for (int i = 0; i < keys * lanes; i++) {
                out[i] = from.intAt(laneBase[i % lanes] + keyPart(i / lanes) + pairPart(i));
            }
            return;
        }
        int run = denseKeys(keys);
        long first = keyPart(0);
        if (from.isTruth() && run == keys && keys <= 64 && !lanesAgree) {
            byte[] rows = scratch.bytes(64 * lanes);
            for (int r = 0; r < lanes; r++) {
                from.read(laneBase[r] + first, rows, r * 64, keys);
            }
            ops.truthToLanes(rows, keys, scratch.ints(2 * lanes), out, lanes);
            return;
        }
        boolean single = lanes == 1;
        int[] dense = single ? out : scratch.ints(lanes * keys);
        int rows = lanesAgree ? 1 : lanes;
        for (int r = 0; r < rows; r++) {
            from.read(laneBase[r] + first, dense, r * keys, run, scratch);
            for (int j = run; j < keys; j++) {
                dense[r * keys + j] = from.intAt(laneBase[r] + keyPart(j));
            }
        }
        if (single) {
            return;
        }
        if (lanesAgree) {
            ops.expandKeysInt(dense, out, keys, lanes);
        } else {
            ops.toLanesInt(dense, keys, out, lanes);
        }
    }
}
