package dev.fovea.conformance;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** A small set of rows in which every pair of levels of every two factors occurs (greedy, seeded). */
final class Pairwise {
    private static final int CANDIDATES = 30;

    private Pairwise() {}

    /** Rows of level indices, one index a factor, below its number of levels. */
    static List<int[]> rows(int[] levels, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int n = levels.length;
        boolean[][][][] covered = new boolean[n][n][][];
        int open = 0;
        for (int i = 0; i < n; i++) {
            for (int j = i + 1; j < n; j++) {
                covered[i][j] = new boolean[levels[i]][levels[j]];
                open += levels[i] * levels[j];
            }
        }
        List<int[]> rows = new ArrayList<>();
        while (open > 0) {
            int[] best = {};
            int gain = -1;
            for (int c = 0; c < CANDIDATES; c++) {
                int[] row = candidate(levels, covered, random);
                int g = gain(row, covered, false);
                if (g > gain) {
                    gain = g;
                    best = row;
                }
            }
            open -= gain(best, covered, true);
            rows.add(best);
        }
        return rows;
    }

    /** Starts from an uncovered pair, so that every row gains at least one, and fills the other factors one by one. */
    private static int[] candidate(int[] levels, boolean[][][][] covered, SplittableRandom random) {
        int n = levels.length;
        int[] row = new int[n];
        java.util.Arrays.fill(row, -1);
        List<int[]> open = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            for (int j = i + 1; j < n; j++) {
                for (int a = 0; a < levels[i]; a++) {
                    for (int b = 0; b < levels[j]; b++) {
                        if (!covered[i][j][a][b]) {
                            open.add(new int[] {i, a, j, b});
                        }
                    }
                }
            }
        }
        int[] start = open.get(random.nextInt(open.size()));
        row[start[0]] = start[1];
        row[start[2]] = start[3];
        for (int f = 0; f < n; f++) {
            if (row[f] >= 0) {
                continue;
            }
            int best = -1;
            int first = random.nextInt(levels[f]);
            for (int l = 0; l < levels[f]; l++) {
                int level = (first + l) % levels[f];
                row[f] = level;
                int g = gain(row, covered, false);
                if (g > best) {
                    best = g;
                    start[0] = level;
                }
            }
            row[f] = start[0];
        }
        return row;
    }

    private static int gain(int[] row, boolean[][][][] covered, boolean mark) {
        int g = 0;
        for (int i = 0; i < row.length; i++) {
            for (int j = i + 1; j < row.length; j++) {
                if (row[i] >= 0 && row[j] >= 0 && !covered[i][j][row[i]][row[j]]) {
                    g++;
                    covered[i][j][row[i]][row[j]] |= mark;
                }
            }
        }
        return g;
    }
}
