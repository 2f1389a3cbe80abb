/** The fovea command. */
@NullMarked
package dev.fovea.tools;

import org.jspecify.annotations.NullMarked;
