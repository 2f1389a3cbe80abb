package dev.fovea.conformance.mechanisms;

import java.util.ServiceLoader;

/** The oracles, found through {@code META-INF/services}. */
public final class Oracles {
    private Oracles() {}

    /** The oracle of the mechanism of this id. */
    public static Oracle of(String id) {
        for (Oracle oracle : ServiceLoader.load(Oracle.class, Oracle.class.getClassLoader())) {
            if (oracle.id().equals(id)) {
                return oracle;
            }
        }
        throw new IllegalStateException("no oracle of " + id);
    }
}
