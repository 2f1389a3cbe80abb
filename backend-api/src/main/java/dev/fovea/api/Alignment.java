package dev.fovea.api;

/** Where query 0 stands relative to key 0: the offset in {@code qpos = q + offset}. */
public enum Alignment {
    /** Offset 0: the first query is at the first key. */
    TOP_LEFT,
    /** Offset {@code len_k[b] - len_q}: the last query is at the last key. Negative when there are fewer keys than queries. */
    BOTTOM_RIGHT,
    /** Offset = the number of past keys, which are given apart from the new ones. */
    PAST
}
