package dev.fovea.cpu;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** The loops of {@link CpuRoofline} with vectors. */
final class VectorRoofline implements RooflineLoops {
    private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
    private static final int LENGTH = Species.LENGTH;
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final int CHAINS = 12;

    @Override
    public int lanes() {
        return LENGTH;
    }

    @Override
    public double flopsOf(int steps) {
        return 2.0 * CHAINS * LENGTH * steps;
    }

    @Override
    public void multiplyAdd(int steps, float[] sink) {
        chains(steps, sink);
    }

    @Override
    public void sum(MemorySegment memory, long from, long to, float[] sink) {
        sums(memory, from, to, sink);
    }

    /**
     * Twelve chains keep two units of a latency of four busy, with registers to spare where there are 16. Each adds to itself: a constant
     * addend would be copied every time, which where four operations start in a cycle is slower than the units.
     */
    private static void chains(int steps, float[] sink) {
        FloatVector x = FloatVector.broadcast(FLOATS, 0.9f);
        FloatVector y = FloatVector.broadcast(FLOATS, 0.5f);
        FloatVector a = y;
        FloatVector b = y;
        FloatVector c = y;
        FloatVector d = y;
        FloatVector e = y;
        FloatVector f = y;
        FloatVector g = y;
        FloatVector h = y;
        FloatVector i = y;
        FloatVector j = y;
        FloatVector k = y;
        FloatVector l = y;
        for (int z = 0; z < steps; z++) {
            a = x.fma(y, a);
            b = x.fma(y, b);
            c = x.fma(y, c);
            d = x.fma(y, d);
            e = x.fma(y, e);
            f = x.fma(y, f);
            g = x.fma(y, g);
            h = x.fma(y, h);
            i = x.fma(y, i);
            j = x.fma(y, j);
            k = x.fma(y, k);
            l = x.fma(y, l);
        }
        a = a.add(b).add(c).add(d).add(e).add(f);
        a.add(g).add(h).add(i).add(j).add(k).add(l).intoArray(sink, 0);
    }

    private static void sums(MemorySegment memory, long from, long to, float[] sink) {
        FloatVector a = FloatVector.fromArray(FLOATS, sink, 0);
        FloatVector b = FloatVector.zero(FLOATS);
        FloatVector c = FloatVector.zero(FLOATS);
        FloatVector d = FloatVector.zero(FLOATS);
        long step = 4L * LENGTH;
        for (long at = from; at <= to - 4 * step; at += 4 * step) {
            a = a.add(FloatVector.fromMemorySegment(FLOATS, memory, at, ORDER));
            b = b.add(FloatVector.fromMemorySegment(FLOATS, memory, at + step, ORDER));
            c = c.add(FloatVector.fromMemorySegment(FLOATS, memory, at + 2 * step, ORDER));
            d = d.add(FloatVector.fromMemorySegment(FLOATS, memory, at + 3 * step, ORDER));
        }
        a.add(b).add(c.add(d)).intoArray(sink, 0);
    }
}
