package dev.fovea.api.spec;

import dev.fovea.api.DType;
import dev.fovea.api.FoveaException.InvalidArgument;

/**
 * Rotary position embedding (Su et al. 2021): pairs of columns turned by an angle that grows with the position.
 *
 * <pre>
 * y[i] = x[i] cos - x[j] sin;  y[j] = x[j] cos + x[i] sin;  cos, sin = tables[position, pair]
 * HALVES (NeoX)       pair r is (r, r + rotaryDim / 2)
 * NEIGHBOURS (GPT-J)  pair r is (2 r, 2 r + 1)
 * </pre>
 *
 * @param dim columns of a row; those from rotaryDim on stay as they are
 * @param rotaryDim even, at most dim
 * @param sections position axes (1 for text, 2 or 3 for images and video): a pair turns by the position of the axis that its entry of
 *     the section tensor names
 */
public record RotarySpec(DType storage, int dim, int rotaryDim, Pairing pairing, int sections)
        implements Primitive<RotaryArguments> {
    public enum Pairing {
        HALVES,
        NEIGHBOURS
    }

    public RotarySpec {
        if (!storage.isFloat()) {
            throw new InvalidArgument("x", "dtype F32, F16 or BF16", storage.name(), "convert it to one of these");
        }
        if (rotaryDim < 2 || rotaryDim % 2 != 0 || rotaryDim > dim) {
            throw new InvalidArgument(
                    "rotary dim",
                    "an even number from 2 to " + dim,
                    "" + rotaryDim,
                    "a partial one leaves the rest alone");
        }
        if (sections < 1 || sections > 3) {
            throw new InvalidArgument("sections", "1 to 3 position axes", "" + sections, "use 1 for text");
        }
    }

    public int pairs() {
        return rotaryDim / 2;
    }
}
