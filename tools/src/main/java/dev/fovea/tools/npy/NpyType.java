package dev.fovea.tools.npy;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** The element types that are read; the names are NumPy's, without the byte order. */
public enum NpyType {
    FLOAT16("f2", "float16", 2),
    FLOAT32("f4", "float32", 4),
    FLOAT64("f8", "float64", 8),
    BOOL("b1", "bool", 1),
    INT32("i4", "int32", 4),
    INT64("i8", "int64", 8);

    private final String code;
    private final String text;
    private final int bytes;

    NpyType(String code, String text, int bytes) {
        this.code = code;
        this.text = text;
        this.bytes = bytes;
    }

    /** NumPy's type character and size, for instance {@code f4}. */
    public String code() {
        return code;
    }

    public int bytes() {
        return bytes;
    }

    public boolean isFloat() {
        return code.startsWith("f");
    }

    public boolean isInteger() {
        return code.startsWith("i");
    }

    static Optional<NpyType> ofCode(String code) {
        return Arrays.stream(values()).filter(t -> t.code.equals(code)).findFirst();
    }

    static String list() {
        return Arrays.stream(values()).map(NpyType::toString).collect(Collectors.joining(", "));
    }

    @Override
    public String toString() {
        return text;
    }
}
