/** The one package that touches JOCL: devices, contexts, memory, programs and launches, each handle owned and freed once. */
@NullMarked
package dev.fovea.opencl.runtime;

import org.jspecify.annotations.NullMarked;
