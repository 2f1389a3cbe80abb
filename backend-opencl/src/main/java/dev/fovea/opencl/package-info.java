/** The OpenCL backend. */
@NullMarked
package dev.fovea.opencl;

import org.jspecify.annotations.NullMarked;
