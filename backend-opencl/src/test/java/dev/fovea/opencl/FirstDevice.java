package dev.fovea.opencl;

import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.spi.DeviceReport;
import dev.fovea.opencl.runtime.BinaryCache;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceSearch;
import dev.fovea.opencl.runtime.FoundDevice;
import dev.fovea.opencl.runtime.OpenClLibrary;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Assumptions;

/** The first OpenCL device of the machine; tests are skipped where there is none, unless one is required. */
public final class FirstDevice {
    /** Stays open: PoCL reads its built-in functions, which takes it a second, anew for the first program after its last context was closed. */
    private static final Map<String, Backend> KEPT = new ConcurrentHashMap<>();

    private FirstDevice() {}

    /** A backend on it; the caller closes it. */
    public static Backend open() {
        return Backends.open(id());
    }

    /** A context on it with a binary cache; counts what is built from source; the caller closes it. */
    public static DeviceContext context(BinaryCache cache, AtomicLong builds) {
        return DeviceContext.open(device(), cache, built -> {
            if (!built.cached()) {
                builds.incrementAndGet();
            }
        });
    }

    public static FoundDevice device() {
        String id = id();
        return DeviceSearch.run().devices().stream()
                .filter(d -> d.info().id().equals(id))
                .findFirst()
                .orElseThrow();
    }

    /** Skips a test with threads on the simulator, whose calls are not thread-safe as OpenCL's have to be. */
    public static void assumeThreadSafe() {
        Assumptions.assumeFalse(id().contains("oclgrind"), "the simulator runs one call at a time");
    }

    private static String id() {
        Optional<String> id = OpenClLibrary.absence(OpenClLibrary.names()).isPresent()
                ? Optional.empty()
                : Backends.report().stream()
                        .filter(DeviceReport.Available.class::isInstance)
                        .map(DeviceReport::id)
                        .filter(d -> d.startsWith("opencl/"))
                        .findFirst();
        if (!Boolean.getBoolean("fovea.require.opencl")) {
            Assumptions.assumeTrue(
                    id.isPresent(),
                    "no OpenCL device: install pocl-opencl-icd, or require one by -Dfovea.require.opencl=true");
        }
        String found = id.orElseThrow(() -> new AssertionError("an OpenCL device is required: " + Backends.report()));
        KEPT.computeIfAbsent(found, Backends::open);
        return found;
    }
}
