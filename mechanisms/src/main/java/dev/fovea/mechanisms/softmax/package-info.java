/** Softmax attention with masks and biases. */
@NullMarked
package dev.fovea.mechanisms.softmax;

import org.jspecify.annotations.NullMarked;
