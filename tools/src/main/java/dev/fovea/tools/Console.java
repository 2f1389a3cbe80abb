package dev.fovea.tools;

import java.io.PrintWriter;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Where a command prints: results on {@code out}, everything about the way there on {@code err}.
 *
 * @param terminal whether a person watches {@code err}
 */
public record Console(PrintWriter out, PrintWriter err, boolean terminal) {
    /** System property by which the launcher, which knows, says that stderr is a terminal. */
    public static final String TERMINAL_PROPERTY = "fovea.tty";

    public static Console of(CommandSpec spec) {
        return new Console(
                spec.commandLine().getOut(), spec.commandLine().getErr(), Boolean.getBoolean(TERMINAL_PROPERTY));
    }

    public Progress progress() {
        return new Progress(err, terminal);
    }

    /** A line about the way, not the result. */
    public void note(String line) {
        err.println(line);
        err.flush();
    }
}
