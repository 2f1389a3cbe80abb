package dev.fovea.opencl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.FoveaException.InvalidArgument;
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
    void aNameThatIsNoneIsAnError() {
        assertThatThrownBy(() -> EngineSelfTests.isBelow("mma", MatrixEngine.WGMMA))
                .isInstanceOf(InvalidArgument.class)
                .hasMessageContaining("mma.sync");
    }
}
