package dev.fovea.mechanisms;

import dev.fovea.api.FoveaException.InvalidArgument;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;

/** The mechanisms of the class path, by id. */
public final class Mechanisms {
    private Mechanisms() {}

    /** Every mechanism with its defaults, in the order of the ids. */
    public static List<Mechanism> all() {
        return ServiceLoader.load(Mechanism.class, Mechanism.class.getClassLoader()).stream()
                .map(ServiceLoader.Provider::get)
                .sorted(Comparator.comparing(m -> m.declaration().id()))
                .toList();
    }

    /** The mechanism of this id with its defaults. */
    public static Mechanism find(String id) {
        List<Mechanism> all = all();
        return all.stream()
                .filter(m -> m.declaration().id().equals(id))
                .findFirst()
                .orElseThrow(() -> new InvalidArgument(
                        "mechanism",
                        "one of " + all.stream().map(m -> m.declaration().id()).toList(),
                        id,
                        "fovea mechanisms lists them"));
    }
}
