package dev.fovea.tools.bench;

import dev.fovea.tools.Environment;
import dev.fovea.tools.bench.CpuResult.Entry;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** An SVG picture of a suite: for each case a bar for each entrant, its throughput as a multiple of Fovea's. */
final class CpuChart {
    private static final int LEFT = 300;
    private static final int UNIT = 240;
    private static final int BAR = 16;
    private static final int GAP = 14;
    private static final int TOP = 56;
    private static final double MOST = 2;

    private CpuChart() {}

    static String svg(List<CpuResult> results, Environment environment) {
        List<String> body = new ArrayList<>();
        int y = TOP;
        for (CpuResult r : results) {
            List<Entry> entries = new ArrayList<>(List.of(r.ours()));
            entries.addAll(r.peers());
            body.add(text(
                    LEFT - 8,
                    y + 12,
                    "end",
                    r.testCase().name() + ", " + r.threads() + (r.threads() == 1 ? " thread" : " threads")));
            for (Entry e : entries) {
                double times = 1 / e.ratio();
                int width = (int) Math.round(UNIT * Math.min(MOST, times));
                boolean own = e == entries.getFirst();
                body.add(String.format(
                        Locale.ROOT,
                        "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"/>",
                        LEFT,
                        y,
                        width,
                        BAR - 2,
                        own ? "#1f6feb" : "#9aa4b2"));
                body.add(text(
                        LEFT + width + 6,
                        y + 12,
                        "start",
                        String.format(
                                Locale.ROOT,
                                "%s  %.1f %s%s",
                                e.name(),
                                r.rate(e.medianMillis()),
                                r.rateUnit(),
                                own ? "" : String.format(Locale.ROOT, "  (%.2f of Fovea)", times))));
                y += BAR;
            }
            y += GAP;
        }
        return String.format(
                        Locale.ROOT,
                        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\""
                                + " font-size=\"12\">%n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>%n",
                        LEFT + (int) (MOST * UNIT) + 260,
                        y + 10)
                + text(12, 22, "start", "Attention on the CPU, f32: throughput beside Fovea's in the same run")
                + "\n"
                + text(
                        12,
                        40,
                        "start",
                        environment.cpu() + ", Java " + environment.java() + ", Fovea " + environment.fovea() + " "
                                + environment.commit())
                + "\n"
                + String.join("\n", body)
                + "\n</svg>\n";
    }

    private static String text(int x, int y, String anchor, String text) {
        String escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
        return "<text x=\"" + x + "\" y=\"" + y + "\" text-anchor=\"" + anchor + "\">" + escaped + "</text>";
    }
}
