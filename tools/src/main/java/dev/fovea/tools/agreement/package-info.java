/** The {@code conformance} subcommand: every device against the float64 reference. */
@NullMarked
package dev.fovea.tools.agreement;

import org.jspecify.annotations.NullMarked;
