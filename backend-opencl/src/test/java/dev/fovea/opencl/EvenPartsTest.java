package dev.fovea.opencl;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class EvenPartsTest {
    private static final int UNITS = 132;

    @Test
    void manyKeysFillWholeRoundsOfWorkGroups() {
        assertThat(EvenParts.length(64, 32768, UNITS, 256)).isEqualTo(2752); // 768 of 792 work-groups
        assertThat(Math.ceilDiv(32768, EvenParts.length(512, 32768, UNITS, 256)))
                .isEqualTo(3); // 1536 of 1584
        assertThat(EvenParts.length(792, 32768, UNITS, 256)).isEqualTo(32768);
    }

    @Test
    void noRoundIsMostlyEmpty() {
        assertThat(EvenParts.length(8, 32768, UNITS, 256)).isEqualTo(1024); // 256 of 264, not 512 of 792
        assertThat(EvenParts.length(16, 16384, UNITS, 256)).isEqualTo(1024);
        assertThat(Math.ceilDiv(1 << 20, EvenParts.length(1, 1 << 20, UNITS, 256)))
                .isBetween(250, 264);
    }

    @Test
    void fewKeysFillTheDeviceOnce() {
        assertThat(EvenParts.length(8, 16384, UNITS, 256)).isEqualTo(512);
        assertThat(EvenParts.length(8, 4096, UNITS, 256)).isEqualTo(128);
        assertThat(EvenParts.length(8, 0, UNITS, 256)).isEqualTo(128);
    }

    @Test
    void aPartIsNeverShorterThanItsWorth() {
        for (int pairs = 1; pairs < 2000; pairs += 7) {
            for (int keys = 1; keys < 200_000; keys += 4999) {
                int length = EvenParts.length(pairs, keys, UNITS, 256);
                assertThat(length % 64).isZero();
                assertThat(length).isGreaterThanOrEqualTo(128);
                assertThat((long) pairs * Math.ceilDiv(keys, length))
                        .isLessThanOrEqualTo(Math.max(2L * UNITS, pairs * Math.max(1L, keys / 512)));
            }
        }
    }
}
