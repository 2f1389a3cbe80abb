package dev.fovea.tools;

import dev.fovea.api.FoveaException;
import dev.fovea.tools.npy.NpyFormatException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.ParameterException;

/**
 * What a failure means to the person at the command line.
 *
 * @param sentence one sentence, without the program's name
 * @param exitCode 1 failed, 2 wrong usage
 * @param expected whether this is something that users meet; otherwise it is a defect of this program
 */
public record FailureText(String sentence, int exitCode, boolean expected) {

    /** Set to 1, it has the stack trace printed with every failure. */
    public static final String DEBUG_VARIABLE = "FOVEA_DEBUG";

    public static boolean debugging() {
        return "1".equals(System.getenv(DEBUG_VARIABLE));
    }

    public static FailureText of(Throwable failure) {
        return switch (failure) {
            case ParameterException e -> usage(oneLine(message(e)));
            case UsageException e -> usage(message(e));
            case FoveaException.DeviceNotFound e -> usage(message(e));
            case FoveaException e -> failed(message(e));
            case NpyFormatException e -> failed(message(e));
            case UncheckedIOException e when e.getCause() != null -> of(e.getCause());
            case NoSuchFileException e -> failed(file(e, "no such file"));
            case AccessDeniedException e -> failed(file(e, "permission denied"));
            case NotDirectoryException e -> failed(file(e, "not a folder"));
            case FileSystemException e -> failed(file(e, "cannot be read or written"));
            case FileNotFoundException e -> failed(message(e));
            case IOException e -> failed("reading or writing failed: " + message(e));
            case OutOfMemoryError e ->
                failed("out of memory in the Java process (" + message(e)
                        + "); give it more by FOVEA_JAVA_OPTIONS=-Xmx..., or use smaller arrays");
            default ->
                new FailureText(
                        "unexpected " + failure.getClass().getSimpleName() + ": " + message(failure) + "; "
                                + DEBUG_VARIABLE + "=1 prints the stack trace, please report it",
                        ExitCode.SOFTWARE,
                        false);
        };
    }

    private static String oneLine(String message) {
        return message.lines().map(String::strip).reduce((a, b) -> a + " " + b).orElse(message);
    }

    private static FailureText usage(String sentence) {
        return new FailureText(sentence, ExitCode.USAGE, true);
    }

    private static FailureText failed(String sentence) {
        return new FailureText(sentence, ExitCode.SOFTWARE, true);
    }

    private static String file(FileSystemException e, String reason) {
        return e.getFile() + ": " + (e.getReason() == null ? reason : e.getReason());
    }

    private static String message(Throwable failure) {
        String message = failure.getMessage();
        return message == null || message.isBlank() ? failure.getClass().getSimpleName() : message;
    }
}
