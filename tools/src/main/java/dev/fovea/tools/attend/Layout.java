package dev.fovea.tools.attend;

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
}
