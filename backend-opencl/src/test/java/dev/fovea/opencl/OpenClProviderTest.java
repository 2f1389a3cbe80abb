package dev.fovea.opencl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.Backend;
import dev.fovea.api.FoveaException.DeviceNotFound;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.DeviceReport;
import java.util.List;
import org.junit.jupiter.api.Test;

class OpenClProviderTest {
    @Test
    void aMissingLibraryIsAReasonWithARemedy() {
        OpenClProvider provider = new OpenClProvider(List.of("libNoSuchOpenCL.so.1"));
        assertThat(provider.probe()).singleElement().satisfies(r -> {
            DeviceReport.Refused refused = (DeviceReport.Refused) r;
            assertThat(refused.id()).isEqualTo("opencl");
            assertThat(refused.reason()).contains("libNoSuchOpenCL.so.1");
            assertThat(refused.remedy()).contains("driver");
        });
        assertThatThrownBy(() -> provider.open("opencl/gpu/0"))
                .isInstanceOf(DeviceNotFound.class)
                .hasMessageContaining("libNoSuchOpenCL.so.1");
    }

    @Test
    void anUnknownDeviceIsNotFound() {
        try (Backend there = FirstDevice.open()) {
            assertThat(there.info().id()).startsWith("opencl/");
            assertThatThrownBy(() -> new OpenClProvider().open("opencl/no-such/7"))
                    .isInstanceOf(DeviceNotFound.class);
        }
    }

    @Test
    void idsAreStableAndFactsAreFilledIn() {
        try (Backend backend = FirstDevice.open()) {
            DeviceInfo info = backend.info();
            assertThat(info.id()).matches("opencl/[a-z0-9-]+/\\d+");
            assertThat(info.memoryBytes()).isPositive();
            assertThat(info.localMemoryBytes()).isGreaterThanOrEqualTo(32 << 10);
            assertThat(info.rank()).isEqualTo(info.kind().rank());
            assertThat(new OpenClProvider().probe()).anyMatch(r -> r.id().equals(info.id()));
        }
    }
}
