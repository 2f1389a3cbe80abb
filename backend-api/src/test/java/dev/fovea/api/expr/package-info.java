@NullMarked
package dev.fovea.api.expr;

import org.jspecify.annotations.NullMarked;
