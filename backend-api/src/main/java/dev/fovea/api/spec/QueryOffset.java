package dev.fovea.api.spec;

/** Where the offset in {@code qpos = q + offset[b]} comes from. */
public enum QueryOffset {
    /** 0. */
    TOP_LEFT,
    /** Number of keys of the sequence less number of queries; may be negative. */
    BOTTOM_RIGHT,
    /** Number of past keys. */
    PAST,
    /** An I32 tensor argument, [B] or [B, Hk]. */
    GIVEN
}
