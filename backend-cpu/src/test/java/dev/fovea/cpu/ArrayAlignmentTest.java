package dev.fovea.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.cpu.Scratch.Role;
import java.time.Duration;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ArrayAlignmentTest {
    private static final int[] SIZES = {0, 1, 15, 64, 2048, 8192, 1 << 16};

    @BeforeEach
    void start() throws InterruptedException {
        ArrayAlignment.start();
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!Warming.settled() && System.nanoTime() < end) {
            Thread.sleep(1);
        }
        Assumptions.assumeTrue(ArrayAlignment.address(new float[1]) != 0, "no native access");
    }

    @Test
    void beginsAtCacheLines() {
        for (int size : SIZES) {
            float[] array = ArrayAlignment.floats(size);
            assertThat(array).hasSize(size).containsOnly(zeros(size));
            assertThat(ArrayAlignment.isAligned(array)).isTrue();
            assertThat(ArrayAlignment.address(array) % 64).isZero();
        }
        assertThat(ArrayAlignment.floats((1 << 16) + 1)).hasSize((1 << 16) + 1);
    }

    private static Float[] zeros(int size) {
        return size == 0 ? new Float[0] : new Float[] {0f};
    }

    @Test
    void replacesWhatWasMoved() {
        Scratch scratch = new Scratch(new Halves(), new Codes());
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < 9; i++) {
                float[] array = scratch.floats(Role.QUERIES, i, 100 + i);
                assertThat(ArrayAlignment.isAligned(array)).isTrue();
                array[0] = i;
            }
            long size = scratch.size();
            System.gc();
            scratch.realign();
            for (int i = 0; i < 9; i++) {
                assertThat(ArrayAlignment.isAligned(scratch.floats(Role.QUERIES, i, 100 + i)))
                        .isTrue();
            }
            assertThat(scratch.size()).isEqualTo(size);
        }
        float[] kept = scratch.floats(Role.QUERIES, 0, 100);
        scratch.realign();
        assertThat(scratch.floats(Role.QUERIES, 0, 100)).isSameAs(kept);
    }
}
