package dev.fovea.opencl.tuning;

import dev.fovea.api.spi.Tunable.Layer;
import dev.fovea.api.spi.TuningPoint;
import dev.fovea.opencl.tuning.JsonText.Items;
import dev.fovea.opencl.tuning.JsonText.Malformed;
import dev.fovea.opencl.tuning.JsonText.Members;
import dev.fovea.opencl.tuning.JsonText.Numeral;
import dev.fovea.opencl.tuning.JsonText.Text;
import dev.fovea.opencl.tuning.JsonText.Value;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a file of {@code fovea tune} says. It is an object with {@code format}, which is 1, and {@code entries}: objects with {@code layer}
 * and {@code name} (which devices), {@code family} (which kernel), {@code bucket} (which runs; {@code any}) and {@code point} (its
 * parameters, whole numbers by name; none for the defaults). Everything else in it is for people.
 */
final class TuningTable {
    private static final int FORMAT = 1;
    private static final Set<String> LAYERS = Set.of("device", "architecture", "vendor", "any");

    /** The bucket of an entry for every run. */
    private static final String ANY = "any";

    private record Key(Layer layer, String family, String bucket) {}

    private final Map<Key, TuningPoint> points = new HashMap<>();

    private TuningTable() {}

    /**
     * The table that a text is.
     *
     * @param families the kernels that there are, with the names of their parameters
     * @throws Malformed where it is none
     */
    static TuningTable read(String text, Map<String, Set<String>> families) throws Malformed {
        Members file = as(Members.class, JsonText.read(text), "an object");
        if (!(file.values().get("format") instanceof Numeral(int _, double format)) || format != FORMAT) {
            throw new Malformed(file.line(), "expected \"format\": " + FORMAT + ", which this version reads");
        }
        TuningTable table = new TuningTable();
        for (Value entry : member(Items.class, file, "entries", "a list").values()) {
            table.add(as(Members.class, entry, "an object"), families);
        }
        return table;
    }

    private void add(Members entry, Map<String, Set<String>> families) throws Malformed {
        String kind = text(entry, "layer");
        if (!LAYERS.contains(kind)) {
            throw new Malformed(
                    entry.line(), "there is no layer '" + kind + "', but device, architecture, vendor and any");
        }
        String family = text(entry, "family");
        Set<String> parameters = families.get(family);
        if (parameters == null) {
            throw new Malformed(
                    entry.line(), "there is no kernel family '" + family + "', but " + sorted(families.keySet()));
        }
        Members given = member(Members.class, entry, "point", "an object");
        Map<String, Integer> values = new HashMap<>();
        for (Map.Entry<String, Value> e : given.values().entrySet()) {
            if (!parameters.contains(e.getKey())) {
                throw new Malformed(
                        e.getValue().line(),
                        "the kernel family " + family + " has no '" + e.getKey() + "', but " + sorted(parameters));
            }
            double value = as(Numeral.class, e.getValue(), "a whole number").value();
            if (value != (int) value) {
                throw new Malformed(e.getValue().line(), "'" + e.getKey() + "' is a whole number, got " + value);
            }
            values.put(e.getKey(), (int) value);
        }
        Layer layer = new Layer(kind, kind.equals("any") ? "" : text(entry, "name"));
        if (points.put(new Key(layer, family, text(entry, "bucket")), TuningPoint.of(values)) != null) {
            throw new Malformed(entry.line(), "another entry is for the same devices, kernel and bucket");
        }
    }

    private static String sorted(Set<String> names) {
        return String.join(", ", names.stream().sorted().toList());
    }

    private static String text(Members object, String name) throws Malformed {
        return member(Text.class, object, name, "a text").value();
    }

    private static <V extends Value> V member(Class<V> type, Members object, String name, String what)
            throws Malformed {
        Value value = object.values().get(name);
        if (value == null) {
            throw new Malformed(object.line(), "'" + name + "' is missing");
        }
        if (!type.isInstance(value)) {
            throw new Malformed(value.line(), "'" + name + "' is " + what);
        }
        return type.cast(value);
    }

    private static <V extends Value> V as(Class<V> type, Value value, String what) throws Malformed {
        if (!type.isInstance(value)) {
            throw new Malformed(value.line(), "expected " + what);
        }
        return type.cast(value);
    }

    /** What it says of a layer, a kernel and a bucket; null if nothing. */
    @Nullable
    TuningPoint point(Layer layer, String family, String bucket) {
        TuningPoint own = points.get(new Key(layer, family, bucket));
        return own == null ? points.get(new Key(layer, family, ANY)) : own;
    }

    /** How many entries it has for these layers, for people. */
    String count(List<Layer> layers) {
        List<TuningPoint> all = points.entrySet().stream()
                .filter(e -> layers.contains(e.getKey().layer))
                .map(Map.Entry::getValue)
                .toList();
        long unchanged = all.stream().filter(TuningPoint::isDefault).count();
        return (all.size() == 1 ? "1 entry" : all.size() + " entries") + " for this device"
                + (unchanged == 0 ? "" : ", " + unchanged + " of them the kernels' defaults, not measured");
    }

    /** Whether one of them is for this kernel. */
    boolean knows(List<Layer> layers, String family) {
        return points.keySet().stream().anyMatch(k -> k.family.equals(family) && layers.contains(k.layer));
    }
}
