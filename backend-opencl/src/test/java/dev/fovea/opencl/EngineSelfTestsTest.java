package dev.fovea.opencl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.kernels.TileEngine;
import dev.fovea.opencl.runtime.MatrixEngine;
import org.junit.jupiter.api.Test;

/** What the environment variable asks for. */
class EngineSelfTestsTest {
    @Test
    void anEngineRulesOutTheFasterOnes() {
        assertThat(EngineSelfTests.isBelow("fma", MatrixEngine.WGMMA)).isTrue();
        assertThat(EngineSelfTests.isBelow("fma", MatrixEngine.MMA_SYNC)).isTrue();
        assertThat(EngineSelfTests.isBelow("mma.sync", MatrixEngine.WGMMA)).isTrue();
        assertThat(EngineSelfTests.isBelow("mma.sync", MatrixEngine.MMA_SYNC)).isFalse();
        assertThat(EngineSelfTests.isBelow("wgmma", MatrixEngine.MMA_SYNC)).isFalse();
    }

    @Test
    void anEmulationIsNamedAfterItsEngine() {
        assertThat(EngineSelfTests.emulated("emulated-wmma")).hasValue(TileEngine.WMMA);
        assertThat(EngineSelfTests.emulated("emulated-dpas16")).hasValue(TileEngine.DPAS16);
        assertThat(EngineSelfTests.emulated("emulated-wgmma")).isEmpty();
        assertThat(EngineSelfTests.emulated("wmma")).isEmpty();
        assertThat(EngineSelfTests.emulated(null)).isEmpty();
        assertThat(EngineSelfTests.isBelow("emulated-mfma", MatrixEngine.WGMMA)).isTrue();
    }

    @Test
    void aNameThatIsNoneIsAnError() {
        assertThatThrownBy(() -> EngineSelfTests.isBelow("mma", MatrixEngine.WGMMA))
                .isInstanceOf(InvalidArgument.class)
                .hasMessageContaining("mma.sync");
    }
}
