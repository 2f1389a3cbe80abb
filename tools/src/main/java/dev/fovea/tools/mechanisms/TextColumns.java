package dev.fovea.tools.mechanisms;

import java.util.ArrayList;
import java.util.List;

/** Text of a fixed width. */
final class TextColumns {
    private static final int WIDTH = 110;

    private TextColumns() {}

    /** Rows with columns as wide as their widest cell but the last, which is wrapped. */
    static List<String> table(String indent, List<List<String>> rows) {
        return table(indent, rows, WIDTH);
    }

    /** Rows of one line each. */
    static List<String> lines(List<List<String>> rows) {
        return table("", rows, Integer.MAX_VALUE);
    }

    private static List<String> table(String indent, List<List<String>> rows, int width) {
        List<String> lines = new ArrayList<>();
        if (rows.isEmpty()) {
            return lines;
        }
        int columns = rows.getFirst().size();
        int[] widths = new int[columns];
        for (List<String> row : rows) {
            for (int i = 0; i < columns; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        for (List<String> row : rows) {
            StringBuilder head = new StringBuilder(indent);
            for (int i = 0; i < columns - 1; i++) {
                head.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length() + 2));
            }
            String hanging = " ".repeat(head.length());
            for (String part : wrapped(row.getLast(), Math.max(30, width - head.length()))) {
                lines.add((head + part).stripTrailing());
                head = new StringBuilder(hanging);
            }
        }
        return lines;
    }

    static List<String> wrapped(String text) {
        return wrapped(text, WIDTH);
    }

    /** Lines of a text, broken at spaces; at least one. */
    private static List<String> wrapped(String text, int width) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        for (String word : text.strip().split("\\s+")) {
            if (!line.isEmpty() && line.length() + 1 + word.length() > width) {
                lines.add(line.toString());
                line.setLength(0);
            }
            line.append(line.isEmpty() ? "" : " ").append(word);
        }
        lines.add(line.toString());
        return lines;
    }
}
