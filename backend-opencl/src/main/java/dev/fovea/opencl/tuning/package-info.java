/** Tables of kernel parameters: which there are, and what they say of a device and a kind of run. */
@NullMarked
package dev.fovea.opencl.tuning;

import org.jspecify.annotations.NullMarked;
