package dev.fovea.tools.expressions;

import dev.fovea.api.expr.MaskAnalysis.Verdict;
import java.util.Locale;

/** A verdict map as text: a character a tile, or a group of tiles where there are too many. */
final class MapText {
    private static final int WIDTH = 96;
    private static final int HEIGHT = 48;

    private MapText() {}

    static String of(VerdictMap map) {
        VerdictMap.Shape shape = map.shape();
        int down = Math.max(1, Math.ceilDiv(shape.rows(), HEIGHT));
        int across = Math.max(1, Math.ceilDiv(shape.columns(), WIDTH));
        int columns = Math.ceilDiv(shape.columns(), across);
        StringBuilder text = new StringBuilder();
        String last = " " + (shape.keys() - 1);
        String first = "key 0";
        text.append(" ".repeat(11)).append(first);
        text.append(" ".repeat(Math.max(0, columns - first.length() - last.length())));
        text.append(columns > first.length() + last.length() ? last : "").append('\n');
        for (int row = 0; row < shape.rows(); row += down) {
            text.append(
                    String.format(Locale.ROOT, "%5s %4d ", row == 0 ? "query" : "", (long) row * shape.tileQueries()));
            for (int column = 0; column < shape.columns(); column += across) {
                text.append(character(map, row, column, down, across));
            }
            text.append('\n');
        }
        if (down * across > 1) {
            text.append("A character stands for ")
                    .append(down)
                    .append(" x ")
                    .append(across)
                    .append(" tiles; mixed ones show as +.\n");
        }
        text.append(".  no pair visible: skipped       ").append(line(map, Verdict.SKIP));
        text.append("+  some visible: masked by pair   ").append(line(map, Verdict.PARTIAL));
        text.append("#  all visible: no mask computed  ").append(line(map, Verdict.FULL));
        text.append(String.format(Locale.ROOT, "%.1f %% of all pairs are computed%n", 100 * map.computed()));
        return text.toString();
    }

    private static String line(VerdictMap map, Verdict v) {
        return String.format(
                Locale.ROOT, "%9d tiles, %5.1f %%%n", map.count(v), 100.0 * map.count(v) / Math.max(1, map.tiles()));
    }

    private static char character(VerdictMap map, int row, int column, int down, int across) {
        Verdict first = map.at(row, column);
        for (int r = row; r < Math.min(row + down, map.shape().rows()); r++) {
            for (int c = column; c < Math.min(column + across, map.shape().columns()); c++) {
                if (map.at(r, c) != first) {
                    return '+';
                }
            }
        }
        return switch (first) {
            case SKIP -> '.';
            case PARTIAL -> '+';
            case FULL -> '#';
        };
    }
}
