package dev.fovea.tools;

import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.ParameterException;

/** Runs a command of Fovea's programs, so that all of them print, fail and exit alike. */
public final class CommandRun {
    private CommandRun() {}

    /** Runs a command on the process's own output; the exit code. */
    public static int onStandardStreams(CliCommand command, String... args) {
        PrintWriter out = new PrintWriter(System.out, true, System.out.charset());
        PrintWriter err = new PrintWriter(System.err, true, System.err.charset());
        int code = execute(command, out, err, args);
        out.flush();
        err.flush();
        return code;
    }

    /** Runs a command; the exit code: 0 done, 1 failed, 2 wrong usage. Throws nothing. */
    public static int execute(CliCommand command, PrintWriter out, PrintWriter err, String... args) {
        String[] name = {"fovea"};
        try {
            return new CommandLine(command)
                    .setExpandAtFiles(false)
                    .setCaseInsensitiveEnumValuesAllowed(false)
                    .setUsageHelpAutoWidth(true)
                    .setUsageHelpLongOptionsMaxWidth(28)
                    .setOut(out)
                    .setErr(err)
                    .setParameterExceptionHandler((e, given) -> usage(e, err))
                    .setExecutionExceptionHandler((e, failed, parsed) -> {
                        name[0] = failed.getCommandSpec().qualifiedName(" ");
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
}
