package dev.fovea.api.cache;

import java.util.Arrays;

/**
 * What became of the keys of a sequence.
 *
 * @param generation of the sequence from now on
 * @param newIndices by head, or one list for all heads: the new index of each old one, -1 where the key is gone
 */
public record Compaction(long generation, int[][] newIndices) {
    static Compaction of(long generation, int[][] kept, int[] lengths) {
        int[][] map = new int[kept.length][];
        for (int lane = 0; lane < kept.length; lane++) {
            map[lane] = new int[lengths[lane]];
            Arrays.fill(map[lane], -1);
            for (int i = 0; i < kept[lane].length; i++) {
                map[lane][kept[lane][i]] = i;
            }
        }
        return new Compaction(generation, map);
    }

    /** The new index of an old one, -1 if the key is gone. */
    public int newIndex(int head, int old) {
        return newIndices[newIndices.length == 1 ? 0 : head][old];
    }
}
