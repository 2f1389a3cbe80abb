/** What a backend implements. Found by ServiceLoader. */
@NullMarked
package dev.fovea.api.spi;

import org.jspecify.annotations.NullMarked;
