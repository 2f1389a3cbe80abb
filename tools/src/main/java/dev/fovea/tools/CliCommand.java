package dev.fovea.tools;

import java.io.IOException;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What every command has. */
public abstract class CliCommand implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Option(
            names = {"-h", "--help"},
            order = Integer.MAX_VALUE,
            usageHelp = true,
            description = "Show this help.")
    boolean help;

    /** The parsed command line. */
    protected CommandSpec spec() {
        return Objects.requireNonNull(spec);
    }

    protected Console console() {
        return Console.of(spec());
    }

    /** Runs the command; the exit code. */
    @Override
    public abstract Integer call() throws IOException;
}
