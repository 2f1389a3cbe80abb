/** What each mechanism must give, in float64, written from the formulas of the papers and never from the compositions. */
@NullMarked
package dev.fovea.conformance.mechanisms;

import org.jspecify.annotations.NullMarked;
