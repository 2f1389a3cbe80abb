/** The {@code attend} subcommand: attention on NumPy files. */
@NullMarked
package dev.fovea.tools.attend;

import org.jspecify.annotations.NullMarked;
