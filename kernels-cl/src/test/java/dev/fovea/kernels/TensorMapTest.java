package dev.fovea.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

/** Against encodings of CUDA's own. */
class TensorMapTest {
    private static long[] words(StructWriter w) {
        long[] words = new long[w.bytes().length / 8];
        ByteBuffer.wrap(w.bytes()).order(ByteOrder.nativeOrder()).asLongBuffer().get(words);
        return words;
    }

    @Test
    void positionsOutsideHeads() {
        StructWriter w = new StructWriter();
        TensorMap.write(w, DType.BF16, 0x918, 80, 100, 3, 2, new long[] {24000, 80, 240}, 128);
        assertThat(words(w))
                .containsExactly(
                        0x1230L,
                        0x1e00046530L,
                        0xbb80000000aL,
                        0L,
                        0x630000004fL,
                        0x100000002L,
                        0x3f00000000000000L,
                        0x7fL,
                        0x4000L,
                        0x400L);
    }

    @Test
    void distancesBeyond32Bits() {
        StructWriter w = new StructWriter();
        TensorMap.write(w, DType.F16, 0, 128, 70000, 1, 4, new long[] {1L << 37, 1L << 36, 128}, 64);
        assertThat(words(w))
                .containsExactly(
                        0L,
                        0x1000046330L,
                        0L,
                        0x42000000000L,
                        0x1116f0000007fL,
                        0x300000000L,
                        0x3f00000000000000L,
                        0x3fL,
                        0x2000L,
                        0x400L);
    }
}
