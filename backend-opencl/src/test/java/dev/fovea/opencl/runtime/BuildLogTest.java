package dev.fovea.opencl.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BuildLogTest {
    private static String log(String warning, int spills) {
        return warning + """
                ptxas info    : 0 bytes gmem
                ptxas info    : Compiling entry function 'address' for 'sm_90a'
                ptxas info    : Function properties for address
                    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
                ptxas info    : Used 6 registers, used 0 barriers
                ptxas info    : Compiling entry function 'attention' for 'sm_90a'
                ptxas info    : Function properties for attention
                    0 bytes stack frame, SPILLS bytes spill stores, 24 bytes spill loads
                ptxas info    : Used 168 registers, used 9 barriers, 213120 bytes smem
                """.replace("SPILLS", String.valueOf(spills));
    }

    @Test
    void registersAreThoseOfTheKernel() {
        assertThat(new BuildLog(log("", 0)).registers("attention")).hasValue(168);
        assertThat(new BuildLog(log("", 0)).registers("address")).hasValue(6);
        assertThat(new BuildLog(log("", 0)).registers("other")).isEmpty();
    }

    @Test
    void manySpillsAreAnObjection() {
        assertThat(new BuildLog(log("", 0)).objection()).isEmpty();
        assertThat(new BuildLog(log("", 0)).spilledBytes()).hasValue(0);
        BuildLog few = new BuildLog(log("", 16));
        assertThat(few.spilledBytes()).hasValue(16);
        assertThat(few.objection()).isEmpty();
        assertThat(new BuildLog(log("", 36)).objection())
                .hasValue("0 bytes stack frame, 36 bytes spill stores, 24 bytes spill loads");
    }

    @Test
    void serialisedProductsAreAnObjectionAndMovedRegistersAreNot() {
        for (String code : new String[] {"C7510", "C7512", "C7520"}) {
            String line = "ptxas info    : (" + code + ") Potential Performance Loss: wgmma.mma_async instructions are"
                    + " serialized due to a function call in function 'attention'";
            assertThat(new BuildLog(log(line + "\n", 0)).objection()).hasValue(line);
        }
        assertThat(new BuildLog(log("ptxas info    : (C7519) Potential Performance Loss\n", 0)).objection())
                .isEmpty();
    }

    @Test
    void otherCompilersSayNothingOfIt() {
        BuildLog other = new BuildLog("warning: unused variable");
        assertThat(other.objection()).isEmpty();
        assertThat(other.spilledBytes()).isEmpty();
        assertThat(other.registers("attention")).isEmpty();
    }

    @Test
    void intelsSpillsAreAnObjection() {
        String spilled = "warning: kernel tile_attention  compiled SIMD16 allocated 256 regs and spilled around 15";
        assertThat(new BuildLog(spilled).objection()).hasValue(spilled);
        assertThat(new BuildLog("Build succeeded.").objection()).isEmpty();
    }
}
