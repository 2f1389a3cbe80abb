@NullMarked
package dev.fovea.api.cache;

import org.jspecify.annotations.NullMarked;
