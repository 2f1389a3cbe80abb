@NullMarked
package dev.fovea.peers;

import org.jspecify.annotations.NullMarked;
