package dev.fovea.api;

import dev.fovea.api.FoveaException.DeviceNotFound;
import dev.fovea.api.spi.BackendProvider;
import dev.fovea.api.spi.DeviceBackend;
import dev.fovea.api.spi.DeviceReport;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Finds devices and opens them. A provider that fails to load is reported and skipped, never fatal. */
public final class Backends {
    /** Environment variable that names the device of {@link #open()}. */
    public static final String DEVICE_VARIABLE = "FOVEA_DEVICE";

    private Backends() {}

    /** Opens the device that {@code FOVEA_DEVICE} names, otherwise the best ranked. */
    public static Backend open() {
        return open(null);
    }

    /** Opens a device by id, or the best of those whose id starts with {@code deviceId + "/"}; null asks for {@link #open()}. */
    public static Backend open(@Nullable String deviceId) {
        String environment = System.getenv(DEVICE_VARIABLE);
        String wanted = deviceId != null && !deviceId.isBlank() ? deviceId : environment;
        // Naming a device of one provider leaves the others alone: a driver that fails to start cannot hurt the CPU.
        String provider = wanted == null ? "" : wanted.replaceFirst("/.*", "");
        List<Found> found = find(p -> provider.isBlank() || p.name().equals(provider));
        if (found.stream().noneMatch(f -> f.report instanceof DeviceReport.Available)) {
            found = find(p -> true);
        }
        String id = select(found.stream().map(Found::report).toList(), deviceId, environment);
        BackendProvider chosen = found.stream()
                .filter(f -> f.report.id().equals(id) && f.provider != null)
                .findFirst()
                .orElseThrow()
                .provider();
        return new Backend(Objects.requireNonNull(chosen).open(id));
    }

    /** A backend on a device that the caller opened, past all selection: for devices that no provider finds, and for tests of one. */
    public static Backend on(DeviceBackend device) {
        return new Backend(device);
    }

    /** Every device and everything refused, best first. */
    public static List<DeviceReport> report() {
        return find(p -> true).stream().map(Found::report).toList();
    }

    /**
     * The id of the device to use, from the devices found and what was asked: the request, else the environment, else the best
     * ranked that may be picked without being asked for.
     */
    public static String select(List<DeviceReport> reports, @Nullable String request, @Nullable String environment) {
        boolean named = request != null && !request.isBlank();
        String wanted = named ? request : environment;
        if (wanted == null || wanted.isBlank()) {
            return ranked(reports).stream()
                    .filter(d -> d.info().rank() >= 0)
                    .map(DeviceReport::id)
                    .findFirst()
                    .orElseThrow(() -> new DeviceNotFound(
                            "", "no device can be used: " + describe(reports) + "; add a backend to the class path"));
        }
        Optional<String> match = ranked(reports).stream()
                .map(DeviceReport::id)
                .filter(id -> id.equals(wanted) || id.startsWith(wanted + "/"))
                .findFirst();
        return match.orElseThrow(() -> new DeviceNotFound(
                wanted,
                "no device '" + wanted + "'" + (named ? "" : " (from " + DEVICE_VARIABLE + ")") + "; there is: "
                        + describe(reports)));
    }

    private static List<DeviceReport.Available> ranked(List<DeviceReport> reports) {
        return reports.stream()
                .filter(DeviceReport.Available.class::isInstance)
                .map(DeviceReport.Available.class::cast)
                .sorted(Comparator.comparingInt(
                                (DeviceReport.Available d) -> -d.info().rank())
                        .thenComparing(DeviceReport::id))
                .toList();
    }

    private static String describe(List<DeviceReport> reports) {
        return reports.isEmpty()
                ? "no backend at all"
                : reports.stream()
                        .map(r -> switch (r) {
                            case DeviceReport.Available a -> a.id();
                            case DeviceReport.Refused f ->
                                f.id() + " (refused: " + f.reason() + "; " + f.remedy() + ")";
                        })
                        .collect(Collectors.joining(", "));
    }

    private record Found(DeviceReport report, @Nullable BackendProvider provider) {}

    private static List<Found> find(Predicate<BackendProvider> asked) {
        List<Found> all = new ArrayList<>();
        Iterator<BackendProvider> providers = ServiceLoader.load(BackendProvider.class, Backends.class.getClassLoader())
                .iterator();
        while (true) {
            try {
                if (!providers.hasNext()) {
                    break;
                }
                BackendProvider provider = providers.next();
                if (asked.test(provider)) {
                    probe(provider, all);
                }
            } catch (ServiceConfigurationError | LinkageError e) {
                all.add(new Found(
                        new DeviceReport.Refused(
                                "provider",
                                "it does not load: " + e.getMessage()
                                        + (e.getCause() == null ? "" : ", " + e.getCause()),
                                "check that its jar and what it needs are there"),
                        null));
            }
        }
        all.sort(Comparator.comparingInt((Found f) ->
                        f.report instanceof DeviceReport.Available a ? -a.info().rank() : Integer.MAX_VALUE)
                .thenComparing(f -> f.report.id()));
        return all;
    }

    private static void probe(BackendProvider provider, List<Found> all) {
        if (provider.spiVersion() != BackendProvider.SPI_VERSION) {
            all.add(new Found(
                    new DeviceReport.Refused(
                            provider.name(),
                            "it was built for version " + provider.spiVersion() + " of the backend interface, this is "
                                    + BackendProvider.SPI_VERSION,
                            "use matching versions of the jars"),
                    null));
            return;
        }
        try {
            provider.probe().forEach(r -> all.add(new Found(r, provider)));
        } catch (RuntimeException | LinkageError e) {
            all.add(new Found(
                    new DeviceReport.Refused(
                            provider.name(), "probing failed: " + e, "report this with the stack trace"),
                    null));
        }
    }
}
