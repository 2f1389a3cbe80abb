package dev.fovea.cpu;

import dev.fovea.cpu.TileProgram.Domain;
import dev.fovea.cpu.TileProgram.Step;
import java.util.Locale;
import java.util.stream.Collectors;

/** A tile program for people: its steps by how often they run, each an operation on whole arrays. */
final class ProgramText {
    private ProgramText() {}

    static String of(String what, TileProgram program) {
        StringBuilder text = new StringBuilder(what)
                .append(", in ")
                .append(program.stepCount())
                .append(" steps\n");
        for (Domain domain : Domain.values()) {
            if (!program.steps(domain).isEmpty()) {
                text.append("  ").append(often(domain)).append('\n');
                program.steps(domain)
                        .forEach(s -> text.append("    ").append(line(s)).append('\n'));
            }
        }
        return text.append("  result: ")
                .append(program.mask() >= 0 ? slot(program.mask()) : slot(TileProgram.VALUE))
                .append('\n')
                .toString();
    }

    private static String often(Domain domain) {
        return switch (domain) {
            case ONE -> "once a block";
            case LANE -> "for each query row";
            case KEY -> "for each key of a tile";
            case PAIR -> "for each pair of a tile";
        };
    }

    private static String line(Step s) {
        String operands = s.in().stream().map(ProgramText::slot).collect(Collectors.joining(", "));
        String text = slot(s.out()) + " = " + s.op().name().toLowerCase(Locale.ROOT);
        if (s.index() != null) {
            text += " " + s.index().name().toLowerCase(Locale.ROOT);
        }
        if (s.leaf() != null) {
            text += " " + s.leaf().text();
        }
        return operands.isEmpty() ? text : text + " of " + operands;
    }

    private static String slot(int i) {
        return switch (i) {
            case TileProgram.VALUE -> "tile";
            case TileProgram.SCORE -> "scores";
            default -> "a" + i;
        };
    }
}
