/** The Vector API backend. */
@NullMarked
package dev.fovea.cpu;

import org.jspecify.annotations.NullMarked;
