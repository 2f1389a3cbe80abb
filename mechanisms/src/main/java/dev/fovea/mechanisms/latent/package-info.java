/** Attention over latent keys. */
@NullMarked
package dev.fovea.mechanisms.latent;

import org.jspecify.annotations.NullMarked;
