package dev.fovea.tools.mechanisms;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Port;
import dev.fovea.tools.FailureText;
import dev.fovea.tools.StorageType;
import dev.fovea.tools.TensorFiles;
import dev.fovea.tools.UsageException;
import dev.fovea.tools.npy.NpyFile;
import dev.fovea.tools.npy.NpyType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The files of one run, open, and held to the declaration before a device is. */
final class RunInputs implements AutoCloseable {
    private final Map<String, NpyFile> files = new LinkedHashMap<>();
    private final Declaration declaration;
    private final DType real;

    /** @param storage of real inputs; null takes that of the files */
    RunInputs(Declaration declaration, Map<String, Path> paths, @Nullable StorageType storage) {
        this.declaration = declaration;
        paths.keySet().forEach(name -> Find.port("--in", name, "input", declaration.inputs(), declaration));
        for (Port p : declaration.inputs()) {
            if (!p.optional() && !paths.containsKey(p.name())) {
                throw new UsageException("--in " + p.name() + "=FILE is missing; expected "
                        + Find.list(declaration.inputs()) + " (--example needs no files)");
            }
        }
        try {
            paths.forEach((name, path) -> files.put(name, open(name, path)));
            Map<String, Size> sizes = new LinkedHashMap<>();
            for (Port p : declaration.inputs()) {
                NpyFile file = files.get(p.name());
                if (file != null) {
                    type(p, file);
                    shape(p, file, sizes);
                }
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
        boolean halves = declaration.inputs().stream()
                .filter(p -> p.kind() == Port.Kind.REAL && files.containsKey(p.name()))
                .allMatch(p -> file(p.name()).type() == NpyType.FLOAT16);
        this.real = storage != null ? storage.dtype() : halves ? DType.F16 : DType.F32;
    }

    /** A size that an axis has, and the input that says so. */
    private record Size(long size, String input) {}

    private static NpyFile open(String name, Path path) {
        try {
            return NpyFile.open(path);
        } catch (IOException e) {
            throw new UsageException(
                    "--in " + name + ": " + FailureText.of(e).sentence() + "; expected an array in an .npy file");
        }
    }

    private NpyFile file(String name) {
        return Objects.requireNonNull(files.get(name), name);
    }

    private static void type(Port p, NpyFile file) {
        boolean fits = switch (p.kind()) {
            case REAL, F32 -> file.type().isFloat();
            case I32 -> file.type().isInteger();
            case BOOL -> file.type() == NpyType.BOOL;
        };
        if (!fits) {
            throw wrong(
                    p,
                    file,
                    switch (p.kind()) {
                        case REAL, F32 -> "float16, float32 or float64";
                        case I32 -> "int32 or int64";
                        case BOOL -> "bool";
                    });
        }
    }

    private static void shape(Port p, NpyFile file, Map<String, Size> sizes) {
        int rank = p.axes().size();
        if (file.rank() != rank) {
            throw wrong(p, file, rank + (rank == 1 ? " axis " : " axes ") + p.shapeText());
        }
        for (int i = 0; i < rank; i++) {
            String axis = p.axes().get(i);
            long size = file.shape()[i];
            boolean fixed = axis.matches("\\d+");
            Size known = fixed
                    ? new Size(Long.parseLong(axis), "")
                    : sizes.computeIfAbsent(axis, a -> new Size(size, p.name()));
            if (known.size != size) {
                throw wrong(
                        p,
                        file,
                        p.shapeText()
                                + (fixed ? "" : " with " + axis + " = " + known.size + " as " + known.input + " has"));
            }
        }
    }

    private static UsageException wrong(Port p, NpyFile file, String expected) {
        return new UsageException(
                "--in " + p.name() + "=" + file.path() + ": expected " + expected + ", got " + file.describe());
    }

    /** Copies on the device; the caller closes what the map then holds. */
    void upload(Backend backend, Map<String, Tensor> tensors) throws IOException {
        for (Port p : declaration.inputs()) {
            NpyFile file = files.get(p.name());
            if (file != null) {
                tensors.put(
                        p.name(),
                        switch (p.kind()) {
                            case REAL -> TensorFiles.upload(backend, file, real);
                            case F32 -> TensorFiles.upload(backend, file, DType.F32);
                            case I32 -> backend.copyOf(file.ints(), file.shape());
                            case BOOL -> TensorFiles.upload(backend, file, DType.BOOL);
                        });
            }
        }
    }

    @Override
    public void close() {
        files.values().forEach(NpyFile::close);
    }
}
