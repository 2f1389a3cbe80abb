/** The command {@code fovea tune}: finds parameters of kernels by measuring, and keeps them in a file. */
@NullMarked
package dev.fovea.tools.tuning;

import org.jspecify.annotations.NullMarked;
