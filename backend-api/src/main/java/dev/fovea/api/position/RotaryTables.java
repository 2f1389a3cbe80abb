package dev.fovea.api.position;

import dev.fovea.api.Backend;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.RotaryArguments;
import dev.fovea.api.spec.RotarySpec;
import dev.fovea.api.spec.RotarySpec.Pairing;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Cosines and sines of the positions from 0 on, computed in float64 and rounded once, on one device, and rotation by them.
 *
 * <pre>
 * cos, sin [positions, pairs] = amplitude * cos, sin (position * radians[pair])
 * </pre>
 *
 * Whoever makes them closes them.
 */
public final class RotaryTables implements AutoCloseable {
    private final Backend backend;
    private final int pairs;
    private final int axes;
    private final Tensor cosines;
    private final Tensor sines;
    private final @Nullable Tensor sections;

    private RotaryTables(Backend backend, RotaryFrequencies f, int positions, int @Nullable [] sectionMap) {
        if (sectionMap != null && sectionMap.length != f.pairs()) {
            throw new InvalidArgument(
                    "sections", f.pairs() + " entries", sectionMap.length + "", "name the axis of each pair");
        }
        this.backend = backend;
        this.pairs = f.pairs();
        this.axes = sectionMap == null ? 1 : Arrays.stream(sectionMap).max().orElse(0) + 1;
        this.cosines = backend.copyOf(table(f, positions, true), positions, pairs);
        Tensor sin = null;
        try {
            sin = backend.copyOf(table(f, positions, false), positions, pairs);
            this.sections = sectionMap == null || axes == 1 ? null : backend.copyOf(sectionMap, pairs);
            this.sines = sin;
        } catch (RuntimeException e) {
            cosines.close();
            if (sin != null) {
                sin.close();
            }
            throw e;
        }
    }

    /** Tables for positions of one axis, below {@code positions}. */
    public static RotaryTables on(Backend backend, RotaryFrequencies frequencies, int positions) {
        return new RotaryTables(backend, frequencies, positions, null);
    }

    /**
     * Tables for positions of 2 or 3 axes.
     *
     * @param sections the axis of each pair, see {@link RotarySections}
     */
    public static RotaryTables on(Backend backend, RotaryFrequencies frequencies, int positions, int[] sections) {
        return new RotaryTables(backend, frequencies, positions, sections);
    }

    /** {@code amplitude * cos(position * radians)} or the sine, row-major [positions, pairs]. */
    static float[] table(RotaryFrequencies f, int positions, boolean cosine) {
        float[] table = new float[Math.multiplyExact(positions, f.pairs())];
        for (int p = 0; p < positions; p++) {
            for (int r = 0; r < f.pairs(); r++) {
                double angle = p * f.radians()[r];
                table[p * f.pairs() + r] = (float) (f.amplitude() * (cosine ? Math.cos(angle) : Math.sin(angle)));
            }
        }
        return table;
    }

    public Tensor cosines() {
        return cosines;
    }

    public Tensor sines() {
        return sines;
    }

    /** The axis of each pair, I32; null for positions of one axis. */
    public @Nullable Tensor sections() {
        return sections;
    }

    /** The spec of a rotation by these tables. */
    public RotarySpec spec(Tensor x, Pairing pairing) {
        return new RotarySpec(x.dtype(), Math.toIntExact(x.size(3)), 2 * pairs, pairing, axes);
    }

    /**
     * Turns the first columns of each row, in place.
     *
     * @param x [B, H, S, dim]
     * @param positions I32 [B or 1, S], for more axes [axes, B or 1, S]
     */
    public void rotate(Tensor x, Tensor positions, Pairing pairing) {
        rotate(x, x, positions, pairing);
    }

    /** As {@link #rotate(Tensor, Tensor, Pairing)}, from one tensor to another of its shape. */
    public void rotate(Tensor x, Tensor y, Tensor positions, Pairing pairing) {
        if (x.rank() != 4) {
            throw new InvalidArgument("x", "rank 4 [batch, heads, positions, dim]", x.toString(), "reshape it");
        }
        backend.run(spec(x, pairing), new RotaryArguments(x, y, positions, cosines, sines, sections));
    }

    @Override
    public void close() {
        cosines.close();
        sines.close();
        if (sections != null) {
            sections.close();
        }
    }
}
