/** A real sentence encoder with its attention on Fovea. */
@NullMarked
package dev.fovea.demo;

import org.jspecify.annotations.NullMarked;
