/** Attention primitives as immutable descriptions. */
@NullMarked
package dev.fovea.api.spec;

import org.jspecify.annotations.NullMarked;
