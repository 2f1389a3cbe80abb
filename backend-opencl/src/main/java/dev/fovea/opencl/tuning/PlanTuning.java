package dev.fovea.opencl.tuning;

import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spi.TuningPoint;
import dev.fovea.opencl.tuning.Tuning.Found;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What tables say of one kernel for the runs of one spec, looked up once for each class of runs. */
public final class PlanTuning {
    /** Whether the kernel can be made at a point, for runs with so many keys. */
    public interface Fits {
        boolean test(TuningPoint point, long keys);
    }

    private final Tuning tuning;
    private final String family;
    private final AttentionSpec spec;
    private final Fits fits;
    private final boolean known;
    private final AtomicReferenceArray<@Nullable Optional<Found>> found = new AtomicReferenceArray<>(Bucket.CLASSES);

    public PlanTuning(Tuning tuning, String family, AttentionSpec spec, Fits fits) {
        this.tuning = tuning;
        this.family = family;
        this.spec = spec;
        this.fits = fits;
        this.known = tuning.knows(family);
    }

    /** Whether no table has anything for this kernel on this device. */
    public boolean isEmpty() {
        return !known;
    }

    /** For runs with so many queries and keys a sequence. */
    public Optional<Found> of(long queries, long keys) {
        return known ? of(Bucket.index(queries, keys)) : Optional.empty();
    }

    /** For all runs, where lengths must not decide. */
    public Optional<Found> ofAll() {
        return known ? find(Bucket.text(spec), 0) : Optional.empty();
    }

    private Optional<Found> of(int index) {
        Optional<Found> f = found.get(index);
        if (f == null) {
            f = find(Bucket.text(spec, index), Bucket.leastKeys(index));
            found.set(index, f);
        }
        return f;
    }

    private Optional<Found> find(String bucket, long keys) {
        return Optional.ofNullable(tuning.find(family, bucket, point -> fits.test(point, keys)));
    }

    /** Every class that a table says something of, for people; empty if none. */
    public String describe() {
        Map<Found, List<String>> classes = new LinkedHashMap<>();
        for (int i = 0; known && i < Bucket.CLASSES; i++) {
            String name = Bucket.classes(i);
            of(i).ifPresent(f ->
                    classes.computeIfAbsent(f, _ -> new ArrayList<>()).add(name));
        }
        return classes.entrySet().stream()
                .map(e -> (e.getValue().size() == Bucket.CLASSES ? "" : String.join(", ", e.getValue()) + ": ")
                        + e.getKey().point() + " (" + e.getKey().origin() + ")")
                .collect(Collectors.joining("; "));
    }

    /** The bucket of a run. */
    public static String bucket(AttentionSpec spec, long queries, long keys) {
        return Bucket.text(spec, Bucket.index(queries, keys));
    }

    /** The bucket of all runs. */
    public static String bucket(AttentionSpec spec) {
        return Bucket.text(spec);
    }
}
