/** Attention within neighbourhoods and windows. */
@NullMarked
package dev.fovea.mechanisms.local;

import org.jspecify.annotations.NullMarked;
