/** Other libraries' attention, for {@code fovea bench --peers}. */
@NullMarked
package dev.fovea.peers;

import org.jspecify.annotations.NullMarked;
