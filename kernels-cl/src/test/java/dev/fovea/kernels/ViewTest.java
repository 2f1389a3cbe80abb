package dev.fovea.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The division of views.clh by what the host writes for it. */
class ViewTest {
    private static void check(int by, int... dividends) {
        StructWriter w = new StructWriter();
        View.writeDivisor(w, by);
        ByteBuffer out = ByteBuffer.wrap(w.bytes()).order(ByteOrder.nativeOrder());
        long magic = Integer.toUnsignedLong(out.getInt());
        int shift = out.getInt();
        assertThat(out.getInt()).isEqualTo(by);
        for (int n : dividends) {
            long sum = (n * magic >>> 32) + n;
            assertThat(sum).isLessThan(1L << 32);
            assertThat(sum >>> shift).as("%d / %d", n, by).isEqualTo(n / by);
        }
    }

    @Test
    void quotientsAreExactBelowTwoToThe31() {
        SplittableRandom r = new SplittableRandom(1);
        for (int by = 1; by < 300; by++) {
            check(by, 0, 1, by - 1, by, by + 1, Integer.MAX_VALUE, Integer.MAX_VALUE / by * by, r.nextInt(1 << 30));
            check(by, Math.max(0, Integer.MAX_VALUE / by * by - 1));
        }
        for (int i = 0; i < 2000; i++) {
            int by = r.nextInt(1, (1 << 29) + 1);
            int most = Integer.MAX_VALUE / by;
            int times = r.nextInt(1, most + 1);
            check(by, by * times, by * times - 1, Integer.MAX_VALUE, r.nextInt(Integer.MAX_VALUE));
        }
        check(1 << 29, (1 << 29) - 1, 1 << 29, Integer.MAX_VALUE);
    }
}
