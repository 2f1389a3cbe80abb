package dev.fovea.tools;

import dev.fovea.tools.agreement.ConformanceCommand;
import dev.fovea.tools.attend.AttendCommand;
import dev.fovea.tools.bench.BenchCommand;
import dev.fovea.tools.expressions.ExplainCommand;
import dev.fovea.tools.mechanisms.MechanismsCommand;
import dev.fovea.tools.tuning.TuneCommand;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The {@code fovea} command. */
@Command(
        name = "fovea",
        sortOptions = false,
        versionProvider = Version.class,
        synopsisSubcommandLabel = "COMMAND",
        header = "Attention for the JVM: on the CPU, and on any OpenCL device.",
        description = "%nEach command explains itself: fovea COMMAND --help.%n",
        commandListHeading = "%nCommands:%n",
        subcommands = {
            ProbeCommand.class,
            AttendCommand.class,
            ExplainCommand.class,
            MechanismsCommand.class,
            ConformanceCommand.class,
            BenchCommand.class,
            TuneCommand.class,
            DemoCommand.class,
            CommandLine.HelpCommand.class
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:failed", "2:wrong usage"},
        footerHeading = "%nEnvironment:%n",
        footer = {
            "  FOVEA_DEVICE        device to use without --device, see fovea probe",
            "  FOVEA_TUNING        table of kernel parameters to use, a file of fovea tune",
            "  FOVEA_THREADS       threads of the cpu device; default: physical cores",
            "  FOVEA_VECTOR        off: leave out Java's vector module (slower)",
            "  FOVEA_JAVA_OPTIONS  flags for the JVM, such as -Xmx8g",
            "  FOVEA_DEBUG         1: print stack traces with errors",
            "",
            "Start with: fovea probe, or fovea mechanisms run gna --example"
        })
public final class Main extends CliCommand {
    @Option(
            names = {"-V", "--version"},
            versionHelp = true,
            description = "Show the versions of Fovea and Java.")
    boolean version;

    private Main() {}

    /** Runs a command and exits with its code. */
    public static void main(String[] args) {
        System.exit(CommandRun.onStandardStreams(new Main(), args));
    }

    /** Runs a command; the exit code: 0 done, 1 failed, 2 wrong usage. Throws nothing. */
    public static int execute(PrintWriter out, PrintWriter err, String... args) {
        return CommandRun.execute(new Main(), out, err, args);
    }

    /** Without a command there is nothing to do but to say which there are. */
    @Override
    public Integer call() {
        CommandLine command = spec().commandLine();
        throw new ParameterException(
                command,
                "which command? " + String.join(", ", command.getSubcommands().keySet()));
    }
}
