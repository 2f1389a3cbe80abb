package dev.fovea.opencl;

import dev.fovea.api.FoveaException.DeviceNotFound;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.spi.BackendProvider;
import dev.fovea.api.spi.DeviceBackend;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.DeviceReport;
import dev.fovea.opencl.runtime.BinaryCache;
import dev.fovea.opencl.runtime.DeviceSearch;
import dev.fovea.opencl.runtime.FoundDevice;
import dev.fovea.opencl.runtime.OpenClLibrary;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/** Every OpenCL device. Loading this class touches neither JOCL nor the native library. */
public final class OpenClProvider implements BackendProvider {
    private static final String NAME = "opencl";

    private final List<String> libraries;

    public OpenClProvider() {
        this(OpenClLibrary.names());
    }

    /** Looks for the OpenCL loader under other names. */
    OpenClProvider(List<String> libraries) {
        this.libraries = List.copyOf(libraries);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public int spiVersion() {
        return SPI_VERSION;
    }

    @Override
    public List<DeviceReport> probe() {
        Optional<OpenClLibrary.Absence> absence = OpenClLibrary.absence(libraries);
        if (absence.isPresent()) {
            return List.of(refused(absence.get()));
        }
        try {
            return reports(DeviceSearch.run());
        } catch (LinkageError e) {
            return List.of(refused(unloadable(e)));
        }
    }

    /** What was found, each device with the tables that hold for it. */
    private static List<DeviceReport> reports(DeviceSearch search) {
        Map<String, FoundDevice> devices =
                search.devices().stream().collect(Collectors.toMap(d -> d.info().id(), d -> d));
        return search.reports().stream()
                .map(r -> r instanceof DeviceReport.Available(DeviceInfo info)
                        ? new DeviceReport.Available(
                                info.withNote(tables(Objects.requireNonNull(devices.get(info.id())))))
                        : r)
                .toList();
    }

    private static String tables(FoundDevice device) {
        try {
            return device == null
                    ? ""
                    : "tuning: " + OpenClBackend.tables(device).describe();
        } catch (InvalidArgument e) { // opening the device says so too
            return "tuning: refused, " + e.getMessage();
        }
    }

    @Override
    public DeviceBackend open(String deviceId) {
        Optional<OpenClLibrary.Absence> absence = OpenClLibrary.absence(libraries);
        if (absence.isPresent()) {
            throw notFound(deviceId, absence.get());
        }
        try {
            FoundDevice device = DeviceSearch.run().devices().stream()
                    .filter(d -> d.info().id().equals(deviceId))
                    .findFirst()
                    .orElseThrow(() -> new DeviceNotFound(deviceId, "no usable OpenCL device '" + deviceId + "'"));
            return new OpenClBackend(device, BinaryCache.of(System.getenv(), System.getProperty("user.home")));
        } catch (LinkageError e) {
            throw notFound(deviceId, unloadable(e));
        }
    }

    private static DeviceReport.Refused refused(OpenClLibrary.Absence why) {
        return new DeviceReport.Refused(NAME, why.reason(), why.remedy());
    }

    private static DeviceNotFound notFound(String id, OpenClLibrary.Absence why) {
        return new DeviceNotFound(id, "no OpenCL device: " + why.reason() + "; " + why.remedy());
    }

    private static OpenClLibrary.Absence unloadable(LinkageError e) {
        return new OpenClLibrary.Absence(
                "JOCL's native library does not load: " + e.getMessage(),
                "give a folder for temporary files that allows execution by -Djava.io.tmpdir, and"
                        + " --enable-native-access=ALL-UNNAMED");
    }
}
