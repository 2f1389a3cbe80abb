package dev.fovea.kernels;

import dev.fovea.api.spi.TuningPoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/** What the free parameters of a kernel can be: values to try for each. Immutable. */
public final class TuningSpace {
    private final Map<String, List<Integer>> axes;

    private TuningSpace(Map<String, List<Integer>> axes) {
        this.axes = axes;
    }

    static TuningSpace of() {
        return new TuningSpace(Map.of());
    }

    /** The same with another parameter. */
    TuningSpace with(String name, int... values) {
        Map<String, List<Integer>> more = new LinkedHashMap<>(axes);
        more.put(name, Arrays.stream(values).boxed().toList());
        return new TuningSpace(more);
    }

    /** The names of the parameters. */
    public Set<String> parameters() {
        return axes.keySet();
    }

    /** All points that can be, and {@code usual}; those that differ from it in few parameters come first. */
    public List<TuningPoint> around(TuningPoint usual, Predicate<TuningPoint> valid) {
        List<TuningPoint> all = List.of(usual);
        for (Map.Entry<String, List<Integer>> axis : axes.entrySet()) {
            List<TuningPoint> more = new ArrayList<>(all);
            for (TuningPoint point : all) {
                for (int value : axis.getValue()) {
                    if (value != usual.get(axis.getKey(), value)) {
                        more.add(point.with(axis.getKey(), value));
                    }
                }
            }
            all = more;
        }
        return all.stream()
                .filter(p -> p.equals(usual) || valid.test(p))
                .sorted(Comparator.comparingLong(p -> changes(usual, p)))
                .toList();
    }

    private static long changes(TuningPoint usual, TuningPoint point) {
        return point.values().entrySet().stream()
                .filter(e -> usual.get(e.getKey(), e.getValue()) != e.getValue())
                .count();
    }
}
