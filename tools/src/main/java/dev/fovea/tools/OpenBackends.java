package dev.fovea.tools;

import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.spi.BuildCount;
import dev.fovea.api.spi.BuildCount.Built;
import dev.fovea.api.spi.DeviceReport;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The devices of one process: found once, each opened at most once. */
public final class OpenBackends implements AutoCloseable {
    private final List<DeviceReport> reports = Backends.report();
    private final Map<String, Backend> open = new LinkedHashMap<>();
    private final Consumer<Built> builds;

    public OpenBackends() {
        this(_ -> {});
    }

    /** The same; {@code builds} is told of each kernel made ready on any of them. */
    public OpenBackends(Consumer<Built> builds) {
        this.builds = builds;
    }

    /** The id of the device that a request means; null asks for {@code FOVEA_DEVICE}, else the best. */
    public String select(@Nullable String request) {
        return Backends.select(reports, request, System.getenv(Backends.DEVICE_VARIABLE));
    }

    public Backend get(@Nullable String request) {
        return open.computeIfAbsent(select(request), this::open);
    }

    private Backend open(String id) {
        Backend backend = Backends.open(id);
        backend.capability(BuildCount.class).ifPresent(b -> b.onBuild(builds));
        return backend;
    }

    /** Ids of all devices that can be used, best first. */
    public List<String> available() {
        return reports.stream()
                .filter(DeviceReport.Available.class::isInstance)
                .map(DeviceReport::id)
                .toList();
    }

    @Override
    public void close() {
        open.values().forEach(Backend::close);
    }
}
