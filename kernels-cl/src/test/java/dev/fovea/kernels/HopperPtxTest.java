package dev.fovea.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class HopperPtxTest {
    private static final String DRIVER = """
            .version 8.8
            .target sm_90, texmode_independent
            .address_size 64

            .entry first(.param .u64 .ptr .global .align 4 first_param_0)
            .reqntid 384, 1, 1
            {
            	.reg .b32 %r<3>;
            	// begin inline asm
            	//# wgmma.fence.sync.aligned;
            	// end inline asm
            	// begin inline asm
            	{ .reg .pred p; setp.ne.b32 p, %r1, 0;
            	//#wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%f1}, %rd1, %rd2, p, 1, 1, 0, 1; }
            	// end inline asm
            	ret;
            }
            .entry second()
            .reqntid 128, 1, 1
            {
            	ret;
            }
            """;

    private static final String RETARGETED = """
            .version 8.8
            .target sm_90a, texmode_independent
            .address_size 64

            .entry first(.param .u64 .ptr .global .align 4 first_param_0)
            .reqntid 384, 1, 1
            .minnctapersm 1
            {
            	.reg .b32 %r<3>;
            	// begin inline asm
            	    wgmma.fence.sync.aligned;
            	// end inline asm
            	// begin inline asm
            	{ .reg .pred p; setp.ne.b32 p, %r1, 0;
            	   wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%f1}, %rd1, %rd2, p, 1, 1, 0, 1; }
            	// end inline asm
            	ret;
            }
            .entry second()
            .reqntid 128, 1, 1
            .minnctapersm 1
            {
            	ret;
            }
            """;

    @Test
    void markedInstructionsTargetAndGroupSizesAreEdited() {
        assertThat(HopperPtx.of(DRIVER)).isEqualTo(RETARGETED);
    }

    @Test
    void whatFollowsTheLastBraceIsCut() {
        assertThat(HopperPtx.of(DRIVER + "\0\u00ff\u0080 .reqntid 1, 1, 1")).isEqualTo(RETARGETED);
    }

    @Test
    void theEditOfAnEditIsTheSameForTheTarget() {
        assertThat(HopperPtx.of(DRIVER.replace("sm_90,", "sm_90a,"))).isEqualTo(RETARGETED);
    }

    @Test
    void anythingElseIsRefused() {
        for (String other : new String[] {"", "\177ELF\2\1", "}", DRIVER.replace("sm_90", "sm_80")}) {
            assertThatThrownBy(() -> HopperPtx.of(other))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("no PTX for sm_90");
        }
    }
}
