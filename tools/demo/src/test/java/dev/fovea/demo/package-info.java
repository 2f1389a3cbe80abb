@NullMarked
package dev.fovea.demo;

import org.jspecify.annotations.NullMarked;
