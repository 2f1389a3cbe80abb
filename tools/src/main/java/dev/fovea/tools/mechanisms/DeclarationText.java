package dev.fovea.tools.mechanisms;

import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Port;
import dev.fovea.tools.Json;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** A declaration as people and programs read it. */
final class DeclarationText {
    private DeclarationText() {}

    /** {@code whole}, or {@code partly} where a step of the paper is missing. */
    static String status(Declaration d) {
        return d.missing().isEmpty() ? "whole" : "partly";
    }

    static List<String> lines(Declaration d) {
        List<String> lines = new ArrayList<>();
        lines.addAll(TextColumns.table(
                "",
                List.of(
                        List.of(d.id(), d.title()),
                        List.of("family", d.family()),
                        List.of("status", status(d)),
                        List.of("source", d.citation()))));
        head(lines, "Equation");
        d.equation().lines().forEach(l -> lines.add("  " + l.stripTrailing()));
        head(lines, "Inputs (--in NAME=FILE)");
        lines.addAll(TextColumns.table(
                "  ", d.inputs().stream().map(DeclarationText::row).toList()));
        head(lines, "Outputs (--out NAME=FILE)");
        lines.addAll(TextColumns.table(
                "  ", d.outputs().stream().map(DeclarationText::row).toList()));
        if (!d.parameters().isEmpty()) {
            head(lines, "Parameters (--param NAME=VALUE)");
            lines.addAll(TextColumns.table(
                    "  ",
                    d.parameters().stream()
                            .map(p -> List.of(p.name(), "default " + p.standardText(), p.range() + ": " + p.meaning()))
                            .toList()));
        }
        if (!d.missing().isEmpty()) {
            head(lines, "Missing of the paper");
            lines.addAll(TextColumns.table("  ", List.of(List.of(d.missing()))));
        }
        if (!d.notes().isEmpty()) {
            head(lines, "Choices, and deviations from paper or code");
            lines.addAll(TextColumns.table(
                    "  ", d.notes().stream().map(n -> List.of("-", n)).toList()));
        }
        head(lines, "Examples (fovea mechanisms run " + d.id() + " --example [N])");
        List<List<String>> examples = new ArrayList<>();
        for (int i = 0; i < d.examples().size(); i++) {
            examples.add(List.of("" + (i + 1), d.examples().get(i).text()));
        }
        lines.addAll(TextColumns.table("  ", examples));
        return lines;
    }

    private static void head(List<String> lines, String text) {
        lines.add("");
        lines.add(text);
    }

    private static List<String> row(Port p) {
        return List.of(p.name(), p.shapeText(), p.kind().text(), (p.optional() ? "optional: " : "") + p.meaning());
    }

    static void json(Json json, Declaration d) throws IOException {
        brief(json, d)
                .field("citation", d.citation())
                .field("equation", d.equation())
                .objects("inputs", d.inputs(), DeclarationText::port)
                .objects("outputs", d.outputs(), DeclarationText::port)
                .objects(
                        "parameters",
                        d.parameters(),
                        (j, p) -> j.field("name", p.name())
                                .field("default", p.standardText())
                                .field("range", p.range())
                                .field("meaning", p.meaning()))
                .strings("notes", d.notes())
                .strings("examples", d.examples().stream().map(e -> e.text()).toList());
    }

    /** What the list says of a mechanism. */
    static Json brief(Json json, Declaration d) throws IOException {
        return json.field("id", d.id())
                .field("family", d.family())
                .field("title", d.title())
                .field("status", status(d))
                .field("missing", d.missing());
    }

    private static void port(Json json, Port p) throws IOException {
        json.field("name", p.name())
                .strings("axes", p.axes())
                .field("types", p.kind().text())
                .field("optional", p.optional())
                .field("meaning", p.meaning());
    }
}
