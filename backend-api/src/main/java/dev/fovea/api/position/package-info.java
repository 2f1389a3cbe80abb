/** Rotary position tables: frequencies, their scalings for longer contexts, and positions of more than one axis. */
@NullMarked
package dev.fovea.api.position;

import org.jspecify.annotations.NullMarked;
