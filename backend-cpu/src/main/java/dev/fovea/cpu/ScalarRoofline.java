package dev.fovea.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The loops of {@link CpuRoofline} without vectors: multiply and add as the scalar kernels do. */
final class ScalarRoofline implements RooflineLoops {
    private static final int CHAINS = 8;

    @Override
    public int lanes() {
        return CHAINS;
    }

    @Override
    public double flopsOf(int steps) {
        return 2.0 * CHAINS * steps;
    }

    @Override
    public void multiplyAdd(int steps, float[] sink) {
        for (int z = 0; z < steps; z++) {
            for (int i = 0; i < CHAINS; i++) {
                sink[i] = sink[i] * 0.9f + 0.5f;
            }
        }
    }

    @Override
    public void sum(MemorySegment memory, long from, long to, float[] sink) {
        float a = 0;
        float b = 0;
        float c = 0;
        float d = 0;
        for (long at = from; at <= to - 16; at += 16) {
            a += memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at);
            b += memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at + 4);
            c += memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at + 8);
            d += memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at + 12);
        }
        sink[0] += a + b + c + d;
    }
}
