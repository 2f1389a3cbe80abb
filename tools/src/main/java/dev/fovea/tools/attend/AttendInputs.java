package dev.fovea.tools.attend;

import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.tools.UsageException;
import dev.fovea.tools.npy.NpyFile;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The files that one call reads, open, with types and ranks checked. */
final class AttendInputs implements AutoCloseable {
    private final List<NpyFile> all = new ArrayList<>();

    final NpyFile query;
    final NpyFile key;
    final NpyFile value;
    final @Nullable NpyFile pastKey;
    final @Nullable NpyFile pastValue;
    final @Nullable NpyFile mask;
    final @Nullable NpyFile bias;
    final @Nullable NpyFile alibi;
    final @Nullable NpyFile sink;
    final @Nullable NpyFile keyLengths;
    final @Nullable NpyFile queryOffsets;
    final Map<String, NpyFile> captures = new LinkedHashMap<>();

    AttendInputs(AttendOptions o) throws IOException {
        try {
            query = tensor("--q", AttendOptions.required("--q", o.query), o.layout);
            key = tensor("--k", AttendOptions.required("--k", o.key), o.layout);
            value = tensor("--v", AttendOptions.required("--v", o.value), o.layout);
            pastKey = o.pastKey == null ? null : tensor("--past-k", o.pastKey, Layout.BHSD);
            pastValue = o.pastValue == null ? null : tensor("--past-v", o.pastValue, Layout.BHSD);
            mask = open("--mask", o.mask);
            if (mask != null && mask.type().isInteger()) {
                throw wrong("--mask", mask, "bool (true = visible) or a floating-point type (added)", "convert it");
            }
            bias = floats("--bias", open("--bias", o.bias));
            alibi = floats("--alibi", open("--alibi", o.alibi));
            sink = floats("--sink", open("--sink", o.sink));
            keyLengths = integers("--kv-lengths", open("--kv-lengths", o.keyLengths));
            queryOffsets = integers("--q-offset", open("--q-offset", offsetFile(o)));
            for (Map.Entry<String, String> c : o.expressions.captures().entrySet()) {
                captures.put(c.getKey(), open(path("--capture " + c.getKey(), c.getValue())));
            }
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    private static @Nullable Path offsetFile(AttendOptions o) {
        if (o.queryOffset == null || o.offsetNumber() != null) {
            return null;
        }
        return path("--q-offset", o.queryOffset);
    }

    private static Path path(String option, String text) {
        try {
            return Path.of(text);
        } catch (InvalidPathException e) {
            throw new UsageException(option + ": '" + text + "' is no file name");
        }
    }

    /** The storage type of a captured array. */
    static DType captureType(NpyFile file) {
        return switch (file.type()) {
            case FLOAT16 -> DType.F16;
            case FLOAT32, FLOAT64 -> DType.F32;
            case INT32, INT64 -> DType.I32;
            case BOOL -> DType.BOOL;
        };
    }

    private NpyFile tensor(String option, Path path, Layout layout) throws IOException {
        NpyFile file = floats(option, open(path));
        if (file.rank() != layout.rank()) {
            throw wrong(
                    option,
                    file,
                    "rank " + layout.rank() + " " + layout.axes(),
                    option.startsWith("--past") ? "past keys and values are always in this order" : "see --layout");
        }
        return file;
    }

    private @Nullable NpyFile open(String option, @Nullable Path path) throws IOException {
        if (path == null) {
            return null;
        }
        NpyFile file = open(path);
        if (file.elementCount() > Integer.MAX_VALUE - 8 && (option.equals("--alibi") || option.equals("--sink"))) {
            throw wrong(option, file, "one number a query head", "give a smaller array");
        }
        return file;
    }

    private NpyFile open(Path path) throws IOException {
        NpyFile file = NpyFile.open(path);
        all.add(file);
        return file;
    }

    private static <T extends @Nullable NpyFile> T floats(String option, T file) {
        if (file != null && !file.type().isFloat()) {
            throw wrong(option, file, "float16, float32 or float64", "convert it");
        }
        return file;
    }

    private static <T extends @Nullable NpyFile> T integers(String option, T file) {
        if (file != null && !file.type().isInteger()) {
            throw wrong(option, file, "int32 or int64", "convert it");
        }
        return file;
    }

    private static InvalidArgument wrong(String option, NpyFile file, String expected, String remedy) {
        return new InvalidArgument(option + " " + file.path(), expected, file.describe(), remedy);
    }

    @Override
    public void close() {
        all.forEach(NpyFile::close);
    }
}
