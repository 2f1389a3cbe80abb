package dev.fovea.tools.expressions;

import dev.fovea.api.expr.Menu;
import java.io.PrintWriter;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The menu as text. */
final class MenuText {
    private MenuText() {}

    static void print(PrintWriter out) {
        for (Menu.Stage stage : Menu.Stage.values()) {
            out.println(
                    switch (stage) {
                        case MASK -> "Masks (--mask NAME, or as --mask-expr):";
                        case SCORE -> "\nScores (--score NAME, or as --score-expr):";
                        case PROBABILITY -> "\nWeights (as --prob-expr):";
                        case OUTPUT -> "\nOutputs (as --out-expr):";
                    });
            Menu.entries().stream().filter(e -> e.stage() == stage).forEach(e -> print(out, e));
        }
        out.flush();
    }

    private static void print(PrintWriter out, Menu.Entry e) {
        out.printf("  %-20s  %s%s%n", e.name(), e.summary(), e.source().isEmpty() ? "" : " (" + e.source() + ")");
        Parameters p = Parameters.of(List.of(e.expression()));
        String parameters = Stream.concat(
                        p.scalars().keySet().stream(),
                        p.captures().values().stream()
                                .map(l -> l.name() + " " + l.dtype() + " of rank "
                                        + l.indices().size()))
                .collect(Collectors.joining(", "));
        String text = e.expression().text();
        out.printf("  %-20s  %s%n", "", text.length() <= 400 ? text : text.substring(0, 400) + " ...");
        if (!parameters.isEmpty()) {
            out.printf("  %-20s  with %s%n", "", parameters);
        }
    }
}
