@NullMarked
package dev.fovea.api;

import org.jspecify.annotations.NullMarked;
