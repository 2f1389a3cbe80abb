package dev.fovea.tools.agreement;

import dev.fovea.conformance.CaseResult.Status;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Counts verdicts by group and device. */
final class Matrix {
    /** One group on one device. */
    static final class Cell {
        private int passed;
        private int failed;
        private int skipped;
        private double worstError;
        private double worstLoad;

        int passed() {
            return passed;
        }

        int failed() {
            return failed;
        }

        int skipped() {
            return skipped;
        }

        double worstError() {
            return worstError;
        }

        double worstLoad() {
            return worstLoad;
        }

        private void add(Verdict v) {
            switch (v.status()) {
                case PASS -> passed++;
                case FAIL -> failed++;
                case SKIP -> skipped++;
            }
            if (v.status() != Status.SKIP && v.maxAbs() > worstError) {
                worstError = v.maxAbs();
            }
            if (v.status() != Status.SKIP && v.load() > worstLoad) {
                worstLoad = v.load();
            }
        }

        @Override
        public String toString() {
            String counts = passed + " / " + failed + " / " + skipped;
            return worstError == 0 && worstLoad == 0
                    ? counts
                    : String.format(Locale.ROOT, "%s  %.1e (%.0f%%)", counts, worstError, 100 * worstLoad);
        }
    }

    /** Group, then device. */
    private final Map<String, Map<String, Cell>> cells = new LinkedHashMap<>();

    private final List<String> devices;

    Matrix(List<String> devices) {
        this.devices = List.copyOf(devices);
    }

    void add(Verdict v) {
        cells.computeIfAbsent(v.group(), g -> new LinkedHashMap<>())
                .computeIfAbsent(v.device(), d -> new Cell())
                .add(v);
    }

    Map<String, Map<String, Cell>> cells() {
        return cells;
    }

    /** A header, a line a group. */
    List<String> lines() {
        List<List<String>> rows = new ArrayList<>();
        List<String> header = new ArrayList<>(List.of("group"));
        header.addAll(devices);
        rows.add(header);
        cells.forEach((group, byDevice) -> {
            List<String> row = new ArrayList<>(List.of(group));
            devices.forEach(d -> row.add(byDevice.containsKey(d) ? String.valueOf(byDevice.get(d)) : "-"));
            rows.add(row);
        });
        int[] widths = new int[devices.size() + 1];
        for (List<String> row : rows) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        return rows.stream().map(row -> line(row, widths)).toList();
    }

    private static String line(List<String> row, int[] widths) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            line.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length() + 3));
        }
        return line.toString().stripTrailing();
    }
}
