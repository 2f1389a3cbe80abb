package dev.fovea.api.cache;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Rows to copy, by lane: row {@code from[lane][n]} to row {@code to[lane][n]}. */
record Moves(int[][] from, int[][] to) {
    boolean isEmpty() {
        return Arrays.stream(from).allMatch(lane -> lane.length == 0);
    }

    /** Most rows of a lane. */
    int longest() {
        return longest(from);
    }

    static int longest(int[][] lanes) {
        return Arrays.stream(lanes).mapToInt(lane -> lane.length).max().orElse(0);
    }

    /** Lanes one after another, filled up with -1, which a transfer skips. */
    static int[] padded(int[][] lanes) {
        int width = longest(lanes);
        int[] all = new int[lanes.length * width];
        Arrays.fill(all, -1);
        for (int i = 0; i < lanes.length; i++) {
            System.arraycopy(lanes[i], 0, all, i * width, lanes[i].length);
        }
        return all;
    }

    /** The rows' numbers within their lane: places in a copy of them. */
    int[][] numbered() {
        return Arrays.stream(from)
                .map(lane -> IntStream.range(0, lane.length).toArray())
                .toArray(int[][]::new);
    }

    /** Whether a row is both read and written, so that one pass in any order could read what it wrote. */
    boolean overlap() {
        for (int lane = 0; lane < from.length; lane++) {
            int[] sorted = from[lane].clone();
            Arrays.sort(sorted);
            for (int target : to[lane]) {
                if (Arrays.binarySearch(sorted, target) >= 0) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Collects the moves of one lane. */
    static final class Lane {
        private final List<Integer> from = new ArrayList<>();
        private final List<Integer> to = new ArrayList<>();

        void add(int source, int target) {
            from.add(source);
            to.add(target);
        }

        int[] from() {
            return from.stream().mapToInt(Integer::intValue).toArray();
        }

        int[] to() {
            return to.stream().mapToInt(Integer::intValue).toArray();
        }
    }

    static Moves of(Lane[] lanes) {
        return new Moves(
                Arrays.stream(lanes).map(Lane::from).toArray(int[][]::new),
                Arrays.stream(lanes).map(Lane::to).toArray(int[][]::new));
    }
}
