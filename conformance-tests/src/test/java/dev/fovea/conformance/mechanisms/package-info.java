/** Whether the oracles of mechanisms see faults. */
@NullMarked
package dev.fovea.conformance.mechanisms;

import org.jspecify.annotations.NullMarked;
