@NullMarked
package dev.fovea.conformance;

import org.jspecify.annotations.NullMarked;
