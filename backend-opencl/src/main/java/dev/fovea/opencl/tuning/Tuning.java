package dev.fovea.opencl.tuning;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.spi.Tunable.Layer;
import dev.fovea.api.spi.TuningPoint;
import dev.fovea.opencl.tuning.JsonText.Malformed;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The tables that hold for a device: the file that a person named, if any, then the built-in one. Of each the most particular layer that
 * knows the kernel and the bucket decides; where none does, the kernels' own defaults hold. Read once, so that the same call gives the same
 * bits as long as the device is open.
 */
public final class Tuning {
    /** Environment variable that names a file of {@code fovea tune}. */
    public static final String VARIABLE = "FOVEA_TUNING";

    /** System property that does the same where the variable is not set. */
    public static final String PROPERTY = "fovea.tuning";

    private static final String RESOURCE = "tuning.json";

    private record Source(String name, boolean named, TuningTable table) {}

    private final List<Source> sources;
    private final List<Layer> layers;

    private Tuning(List<Source> sources, List<Layer> layers) {
        this.sources = sources;
        this.layers = layers;
    }

    /**
     * The tables for a device.
     *
     * @param layers what tables call it, the most particular first
     * @param families the kernels that there are, with the names of their parameters
     * @throws InvalidArgument if the file that was named cannot be used
     */
    public static Tuning of(List<Layer> layers, Map<String, Set<String>> families) {
        return of(layers, families, builtIn());
    }

    /** The same with another built-in table. */
    static Tuning of(List<Layer> layers, Map<String, Set<String>> families, String builtIn) {
        List<Source> sources = new ArrayList<>();
        String file = named();
        if (file != null) {
            sources.add(new Source(file, true, file(file, families)));
        }
        try {
            sources.add(new Source("built in", false, TuningTable.read(builtIn, families)));
        } catch (Malformed e) {
            throw new IllegalStateException(RESOURCE + ", " + e.getMessage(), e);
        }
        return new Tuning(sources, layers);
    }

    private static @Nullable String named() {
        String file = System.getenv(VARIABLE);
        String wanted = file == null || file.isBlank() ? System.getProperty(PROPERTY) : file;
        return wanted == null || wanted.isBlank() ? null : wanted;
    }

    private static TuningTable file(String name, Map<String, Set<String>> families) {
        try {
            return TuningTable.read(Files.readString(Path.of(name)), families);
        } catch (Malformed e) {
            throw refused(name + ", " + e.getMessage());
        } catch (IOException | InvalidPathException e) {
            throw refused(name + ", which cannot be read (" + e + ")");
        }
    }

    private static InvalidArgument refused(String what) {
        return new InvalidArgument(VARIABLE, "a file that fovea tune wrote", what, "correct it, or unset " + VARIABLE);
    }

    private static String builtIn() {
        try (InputStream in = Objects.requireNonNull(Tuning.class.getResourceAsStream(RESOURCE), RESOURCE)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public List<Layer> layers() {
        return layers;
    }

    /**
     * What a table says.
     *
     * @param origin which one, and which layer of it
     * @param named whether a person named it
     */
    public record Found(TuningPoint point, String origin, boolean named) {}

    /** What holds for a kernel and a bucket; null if no table says anything that {@code fits}. */
    @Nullable
    Found find(String family, String bucket, Predicate<TuningPoint> fits) {
        for (Source source : sources) {
            for (Layer layer : layers) {
                TuningPoint point = source.table.point(layer, family, bucket);
                if (point != null && fits.test(point)) {
                    return new Found(point, source.name + ", " + layer, source.named);
                }
            }
        }
        return null;
    }

    /** Whether any table has an entry for this device and kernel, so that asking {@link #find} is worth it. */
    boolean knows(String family) {
        return sources.stream().anyMatch(s -> s.table.knows(layers, family));
    }

    /** For people. */
    public String describe() {
        return sources.stream().map(s -> s.name + ": " + s.table.count(layers)).collect(Collectors.joining("; then "));
    }
}
