package dev.fovea.tools.npy;

import java.io.IOException;
import java.nio.file.Path;

/** A file is no NPY file that can be used here; the message is a sentence that begins with the file. */
public final class NpyFormatException extends IOException {
    private static final long serialVersionUID = 1L;

    public NpyFormatException(Path file, String reason) {
        super(file + ": " + reason);
    }
}
