package dev.fovea.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.FoveaException.DeviceNotFound;
import dev.fovea.api.spi.BackendProvider;
import dev.fovea.api.spi.DeviceBackend;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.DeviceInfo.Kind;
import dev.fovea.api.spi.DeviceReport;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class BackendsTest {
    private static DeviceReport device(String id, Kind kind) {
        return new DeviceReport.Available(HeapDevice.info(id, kind));
    }

    private static final List<DeviceReport> MACHINE = List.of(
            device("cpu", Kind.CPU),
            device("opencl/pocl-cpu/0", Kind.OPENCL_CPU),
            device("opencl/card/1", Kind.GPU),
            device("opencl/card/0", Kind.GPU),
            new DeviceReport.Refused("opencl/old/0", "it is OpenCL 1.1", "update its driver"));

    @Test
    void theRequestBeatsTheEnvironmentAndTheEnvironmentBeatsTheRank() {
        assertThat(Backends.select(MACHINE, null, null)).isEqualTo("opencl/card/0");
        assertThat(Backends.select(MACHINE, null, "cpu")).isEqualTo("cpu");
        assertThat(Backends.select(MACHINE, "opencl/card/1", "cpu")).isEqualTo("opencl/card/1");
        assertThat(Backends.select(MACHINE, "", " ")).isEqualTo("opencl/card/0");
    }

    @Test
    void aPrefixPicksTheBestOfItsDevices() {
        assertThat(Backends.select(MACHINE, "opencl", null)).isEqualTo("opencl/card/0");
        assertThat(Backends.select(MACHINE, "opencl/pocl-cpu", null)).isEqualTo("opencl/pocl-cpu/0");
        assertThatThrownBy(() -> Backends.select(MACHINE, "op", null)).isInstanceOf(DeviceNotFound.class);
    }

    @Test
    void anOpenClCpuIsPickedOnlyOnRequest() {
        List<DeviceReport> machine = List.of(device("opencl/pocl-cpu/0", Kind.OPENCL_CPU), device("cpu", Kind.CPU));
        assertThat(Backends.select(machine, null, null)).isEqualTo("cpu");
        assertThatThrownBy(() -> Backends.select(machine.subList(0, 1), null, null))
                .isInstanceOf(DeviceNotFound.class);
    }

    @Test
    void anUnknownDeviceListsWhatThereIs() {
        assertThatThrownBy(() -> Backends.select(MACHINE, null, "gpu7"))
                .isInstanceOf(DeviceNotFound.class)
                .hasMessageContainingAll(
                        "gpu7", "FOVEA_DEVICE", "opencl/card/1", "it is OpenCL 1.1", "update its driver");
    }

    @Test
    void brokenProvidersAreReportedAndTheOthersWork() {
        List<DeviceReport> reports = Backends.report();
        assertThat(reports).extracting(DeviceReport::id).contains("heap", "newer", "throwing", "provider");
        assertThat(reports.toString())
                .contains("version 99", "probing failed", "boom", "does not load", "no such library");
        int before = Throwing.probes.get();
        try (Backend b = Backends.open("heap")) {
            assertThat(b.info().id()).isEqualTo("heap");
        }
        assertThat(Throwing.probes.get())
                .as("naming a device leaves other providers alone")
                .isEqualTo(before);
        assertThatThrownBy(() -> Backends.open("nothing/0"))
                .isInstanceOf(DeviceNotFound.class)
                .hasMessageContainingAll("nothing/0", "heap", "boom");
    }

    /** A provider that works. */
    public static final class Heap implements BackendProvider {
        @Override
        public String name() {
            return "heap";
        }

        @Override
        public int spiVersion() {
            return SPI_VERSION;
        }

        @Override
        public List<DeviceReport> probe() {
            return List.of(device("heap", DeviceInfo.Kind.CPU));
        }

        @Override
        public DeviceBackend open(String deviceId) {
            return new HeapDevice(deviceId);
        }
    }

    /** A provider of a later version. */
    public static final class Newer implements BackendProvider {
        @Override
        public String name() {
            return "newer";
        }

        @Override
        public int spiVersion() {
            return 99;
        }

        @Override
        public List<DeviceReport> probe() {
            throw new AssertionError("must not be asked");
        }

        @Override
        public DeviceBackend open(String deviceId) {
            throw new AssertionError("must not be asked");
        }
    }

    /** A provider whose probe throws. */
    public static final class Throwing implements BackendProvider {
        static final AtomicInteger probes = new AtomicInteger();

        @Override
        public String name() {
            return "throwing";
        }

        @Override
        public int spiVersion() {
            return SPI_VERSION;
        }

        @Override
        public List<DeviceReport> probe() {
            probes.incrementAndGet();
            throw new IllegalStateException("boom");
        }

        @Override
        public DeviceBackend open(String deviceId) {
            throw new IllegalStateException("boom");
        }
    }

    /** A provider whose class does not even load. */
    public static final class Unloadable implements BackendProvider {
        public Unloadable() {
            throw new UnsatisfiedLinkError("no such library");
        }

        @Override
        public String name() {
            return "unloadable";
        }

        @Override
        public int spiVersion() {
            return SPI_VERSION;
        }

        @Override
        public List<DeviceReport> probe() {
            return List.of();
        }

        @Override
        public DeviceBackend open(String deviceId) {
            throw new IllegalStateException();
        }
    }
}
