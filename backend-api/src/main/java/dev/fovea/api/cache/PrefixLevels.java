package dev.fovea.api.cache;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The tree of shared pages of some sequences, as levels: sequences stand in an order in which those that share pages are neighbours on
 * every level.
 *
 * @param order the sequence at each place
 * @param levels nodes by level, of pages that more than one sequence has
 * @param ownFrom by place: first page that is not in a node
 */
record PrefixLevels(int[] order, List<List<Node>> levels, int[] ownFrom) {
    /**
     * Pages shared by neighbours.
     *
     * @param first first place
     * @param end place after the last
     * @param from first page
     * @param to page after the last
     */
    record Node(int first, int end, int from, int to) {}

    /** @param pages by sequence: the page numbers that it may share, a prefix of its table */
    static PrefixLevels of(int[][] pages) {
        int[] order = IntStream.range(0, pages.length)
                .boxed()
                .sorted(Comparator.comparing((Integer i) -> pages[i], Arrays::compare)
                        .thenComparing(i -> i))
                .mapToInt(Integer::intValue)
                .toArray();
        int[][] sorted = Arrays.stream(order).mapToObj(i -> pages[i]).toArray(int[][]::new);
        PrefixLevels tree = new PrefixLevels(order, new ArrayList<>(), new int[pages.length]);
        tree.split(sorted, 0, pages.length, 0, 0);
        return tree;
    }

    private void split(int[][] pages, int first, int end, int from, int level) {
        for (int i = first; i < end; ) {
            int next = i + 1;
            while (next < end && common(pages[i], pages[next]) > from) {
                next++;
            }
            if (next - i > 1) {
                int to = common(pages[i], pages[next - 1]); // in sorted order the outermost two differ first
                node(level, new Node(i, next, from, to));
                Arrays.fill(ownFrom, i, next, to);
                split(pages, i, next, to, level + 1);
            }
            i = next;
        }
    }

    private void node(int level, Node node) {
        if (levels.size() == level) {
            levels.add(new ArrayList<>());
        }
        levels.get(level).add(node);
    }

    private static int common(int[] a, int[] b) {
        int at = Arrays.mismatch(a, b);
        return at < 0 ? a.length : at;
    }
}
