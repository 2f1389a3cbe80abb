package dev.fovea.cpu;

import org.jspecify.annotations.Nullable;

/**
 * The keys that the rows of a block may see before any mask, all below the length of the sequence.
 *
 * @param keys their indices in the sequence, in any order; null for the first {@code count}
 */
record KeyList(int @Nullable [] keys, int count) {}
