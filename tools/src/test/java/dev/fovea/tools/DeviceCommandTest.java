package dev.fovea.tools;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.spi.BuildCount.Built;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class DeviceCommandTest {
    @Test
    void aKernelIsOneLine() {
        assertThat(DeviceCommand.text(new Built("merge", false, 1.204, OptionalInt.empty(), OptionalInt.empty())))
                .isEqualTo("kernel merge: built in 1.20 s");
        assertThat(DeviceCommand.text(new Built("attention", true, 0.049, OptionalInt.of(168), OptionalInt.of(0))))
                .isEqualTo("kernel attention: loaded from the cache in 0.05 s, 168 registers, no spills");
        assertThat(DeviceCommand.text(new Built("attention", false, 2, OptionalInt.of(255), OptionalInt.of(16))))
                .endsWith("255 registers, 16 bytes spilled");
    }
}
