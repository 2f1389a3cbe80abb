/** The float64 reference, the cases and the engine that holds every backend to it. */
@NullMarked
package dev.fovea.conformance;

import org.jspecify.annotations.NullMarked;
