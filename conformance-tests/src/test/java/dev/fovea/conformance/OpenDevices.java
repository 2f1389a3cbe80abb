package dev.fovea.conformance;

import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.spi.DeviceReport;
import java.util.List;

/**
 * The devices of this machine, each with a backend that stays open beside those that tests open for themselves: PoCL reads its built-in
 * functions, which takes it a second, anew for the first program after its last context was closed.
 */
final class OpenDevices {
    private static final List<Backend> ALL = Backends.report().stream()
            .filter(DeviceReport.Available.class::isInstance)
            .map(r -> Backends.open(r.id()))
            .toList();

    private OpenDevices() {}

    static List<String> ids() {
        return ALL.stream().map(b -> b.info().id()).toList();
    }
}
