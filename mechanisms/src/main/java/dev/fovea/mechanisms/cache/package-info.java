/** Attention over cached and streamed keys. */
@NullMarked
package dev.fovea.mechanisms.cache;

import org.jspecify.annotations.NullMarked;
