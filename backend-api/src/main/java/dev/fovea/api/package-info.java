/** Tensors, backends and the facade: what a user of Fovea writes against. */
@NullMarked
package dev.fovea.api;

import org.jspecify.annotations.NullMarked;
