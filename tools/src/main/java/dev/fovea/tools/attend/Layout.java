package dev.fovea.tools.attend;

import dev.fovea.tools.NamedValues;
import java.util.List;

/** Axis order of q, k, v and the output in their files. */
enum Layout {
    /** [batch, heads, positions, head dim]. */
    BHSD,
    /** [batch, positions, heads, head dim]. */
    BSHD,
    /** [batch, positions, heads * head dim]. */
    PACKED;

    int rank() {
        return this == PACKED ? 3 : 4;
    }

    String axes() {
        return switch (this) {
            case BHSD -> "[batch, heads, positions, head dim]";
            case BSHD -> "[batch, positions, heads, head dim]";
            case PACKED -> "[batch, positions, heads * head dim]";
        };
    }

    @Override
    public String toString() {
        return switch (this) {
            case BHSD -> "bhsd";
            case BSHD -> "bshd";
            case PACKED -> "packed";
        };
    }

    /** Reads a name. */
    static final class Names extends NamedValues<Layout> {
        Names() {
            super(List.of(values()));
        }
    }
}
