/** Named attention mechanisms, composed from the primitives of backend-api only. */
@NullMarked
package dev.fovea.mechanisms;

import org.jspecify.annotations.NullMarked;
