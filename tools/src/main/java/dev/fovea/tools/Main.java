package dev.fovea.tools;

import dev.fovea.tools.agreement.ConformanceCommand;
import dev.fovea.tools.attend.AttendCommand;
import dev.fovea.tools.bench.BenchCommand;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
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
            ConformanceCommand.class,
            BenchCommand.class,
            DemoCommand.class,
            CommandLine.HelpCommand.class
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:failed", "2:wrong usage"},
        footerHeading = "%nEnvironment:%n",
        footer = {
            "  FOVEA_DEVICE        device to use without --device, see fovea probe",
            "  FOVEA_THREADS       threads of the cpu device; default: physical cores",
            "  FOVEA_VECTOR        off: leave out Java's vector module (slower)",
            "  FOVEA_JAVA_OPTIONS  flags for the JVM, such as -Xmx8g",
            "  FOVEA_DEBUG         1: print stack traces with errors",
            "",
            "Start with: fovea probe"
        })
public final class Main extends CliCommand {
    /** System property that names a file to use as stderr: a launcher that filters the JVM's own lines sets it. */
    private static final String ERR_PROPERTY = "fovea.err";

    @Option(
            names = {"-V", "--version"},
            versionHelp = true,
            description = "Show the versions of Fovea and Java.")
    boolean version;

    private Main() {}

    /** Runs a command and exits with its code. */
    public static void main(String[] args) {
        redirectErr();
        PrintWriter out = new PrintWriter(System.out, true, System.out.charset());
        PrintWriter err = new PrintWriter(System.err, true, System.err.charset());
        int code = execute(out, err, args);
        out.flush();
        err.flush();
        System.exit(code);
    }

    /** Runs a command; the exit code: 0 done, 1 failed, 2 wrong usage. Throws nothing. */
    public static int execute(PrintWriter out, PrintWriter err, String... args) {
        String[] name = {"fovea"};
        try {
            return new CommandLine(new Main())
                    .setExpandAtFiles(false)
                    .setCaseInsensitiveEnumValuesAllowed(false)
                    .setUsageHelpAutoWidth(true)
                    .setUsageHelpLongOptionsMaxWidth(28)
                    .setOut(out)
                    .setErr(err)
                    .setParameterExceptionHandler((e, given) -> usage(e, err))
                    .setExecutionExceptionHandler((e, command, parsed) -> {
                        name[0] = command.getCommandSpec().qualifiedName(" ");
                        return report(name[0], e, err);
                    })
                    .execute(args);
        } catch (Throwable e) { // errors (memory, linkage) pass by the handlers
            return report(name[0], e, err);
        }
    }

    private static int usage(ParameterException e, PrintWriter err) {
        String command = e.getCommandLine().getCommandSpec().qualifiedName(" ");
        err.println(command + ": " + FailureText.of(e).sentence() + " (" + command + " --help explains it)");
        err.flush();
        return ExitCode.USAGE;
    }

    private static int report(String command, Throwable e, PrintWriter err) {
        FailureText failure = FailureText.of(e);
        err.println(command + ": " + failure.sentence());
        if (FailureText.debugging()) {
            e.printStackTrace(err);
        }
        err.flush();
        return failure.exitCode();
    }

    private static void redirectErr() {
        String file = System.getProperty(ERR_PROPERTY);
        if (file != null) {
            try {
                System.setErr(new PrintStream(new FileOutputStream(file), true, StandardCharsets.UTF_8));
            } catch (IOException e) {
                System.err.println("fovea: cannot write to " + file + ": " + e.getMessage());
            }
        }
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
