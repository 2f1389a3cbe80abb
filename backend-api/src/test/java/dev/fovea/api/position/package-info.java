@NullMarked
package dev.fovea.api.position;

import org.jspecify.annotations.NullMarked;
