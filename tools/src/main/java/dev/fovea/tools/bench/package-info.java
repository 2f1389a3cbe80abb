/** The {@code bench} subcommand: how long attention takes. */
@NullMarked
package dev.fovea.tools.bench;

import org.jspecify.annotations.NullMarked;
