/** Expressions on the command line, and {@code fovea explain}. */
@NullMarked
package dev.fovea.tools.expressions;

import org.jspecify.annotations.NullMarked;
