/** The {@code mechanisms} subcommand: what there is, what each takes, and runs on NumPy files. */
@NullMarked
package dev.fovea.tools.mechanisms;

import org.jspecify.annotations.NullMarked;
