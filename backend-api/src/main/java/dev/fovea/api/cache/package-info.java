/** A paged cache of keys and values on one device, and what is built on it. */
@NullMarked
package dev.fovea.api.cache;

import org.jspecify.annotations.NullMarked;
