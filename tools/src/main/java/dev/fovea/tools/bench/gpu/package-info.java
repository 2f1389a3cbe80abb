/** The GPU suite of {@code fovea bench}: the cases that Fovea is compared with other libraries by. */
@NullMarked
package dev.fovea.tools.bench.gpu;

import org.jspecify.annotations.NullMarked;
