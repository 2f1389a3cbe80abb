package dev.fovea.tools;

import dev.fovea.api.spi.BuildCount;
import java.util.Locale;
import picocli.CommandLine.Option;

/** What every command has that runs on devices. */
public abstract class DeviceCommand extends CliCommand {
    @Option(
            names = "--verbose",
            order = Integer.MAX_VALUE - 1,
            description = "Say on stderr which kernels are built or loaded from the cache, and how long that takes.")
    private boolean verbose;

    /** The devices of this command; the caller closes them. */
    protected OpenBackends backends() {
        Console console = console();
        return verbose ? new OpenBackends(built -> console.note(text(built))) : new OpenBackends();
    }

    protected boolean isVerbose() {
        return verbose;
    }

    static String text(BuildCount.Built built) {
        StringBuilder line = new StringBuilder(String.format(
                Locale.ROOT,
                "kernel %s: %s in %.2f s",
                built.kernel(),
                built.cached() ? "loaded from the cache" : "built",
                built.seconds()));
        built.registers().ifPresent(n -> line.append(", ").append(n).append(" registers"));
        built.spilledBytes().ifPresent(n -> line.append(n == 0 ? ", no spills" : ", " + n + " bytes spilled"));
        return line.toString();
    }
}
