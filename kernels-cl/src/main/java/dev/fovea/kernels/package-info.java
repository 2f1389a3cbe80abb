/** OpenCL C sources of the kernels and the code that specialises them. */
@NullMarked
package dev.fovea.kernels;

import org.jspecify.annotations.NullMarked;
