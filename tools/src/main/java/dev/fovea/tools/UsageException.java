package dev.fovea.tools;

/** The command was used wrongly: exit code 2, and the message is the sentence to print. */
public final class UsageException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public UsageException(String message) {
        super(message);
    }
}
