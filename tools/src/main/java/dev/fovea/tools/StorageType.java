package dev.fovea.tools;

import dev.fovea.api.DType;
import dev.fovea.tools.npy.NpyType;
import java.util.List;

/** Storage types of q, k, v and the output, by the names of the command line. */
public enum StorageType {
    F32(DType.F32, NpyType.FLOAT32),
    F16(DType.F16, NpyType.FLOAT16),
    /** NumPy has no bfloat16: the file holds its values as float32, which loses nothing. */
    BF16(DType.BF16, NpyType.FLOAT32);

    private final DType dtype;
    private final NpyType file;

    StorageType(DType dtype, NpyType file) {
        this.dtype = dtype;
        this.file = file;
    }

    public DType dtype() {
        return dtype;
    }

    /** Element type of the output file. */
    public NpyType file() {
        return file;
    }

    @Override
    public String toString() {
        return switch (this) {
            case F32 -> "f32";
            case F16 -> "f16";
            case BF16 -> "bf16";
        };
    }

    /** Reads a name. */
    public static final class Names extends NamedValues<StorageType> {
        Names() {
            super(List.of(values()));
        }
    }
}
