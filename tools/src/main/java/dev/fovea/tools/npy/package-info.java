/** NumPy's file format, versions 1.0 to 3.0: reading and writing arrays of numbers. */
@NullMarked
package dev.fovea.tools.npy;

import org.jspecify.annotations.NullMarked;
