/** The typed expression language for scores and masks. */
@NullMarked
package dev.fovea.api.expr;

import org.jspecify.annotations.NullMarked;
