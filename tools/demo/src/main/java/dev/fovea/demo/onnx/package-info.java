/** Reading ONNX files with the Protocol Buffers runtime: the part of the format that holds a network's nodes and weights. */
@NullMarked
package dev.fovea.demo.onnx;

import org.jspecify.annotations.NullMarked;
