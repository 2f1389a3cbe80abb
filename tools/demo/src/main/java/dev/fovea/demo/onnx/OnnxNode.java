package dev.fovea.demo.onnx;

import java.util.List;
import java.util.Map;

/**
 * One operation of a network.
 *
 * @param op its operator, such as {@code MatMul}
 * @param inputs names of the values it reads; an omitted optional input is an empty name
 * @param outputs names of the values it makes
 * @param tensors its tensor attributes by name (a {@code Constant} holds its value under {@code value})
 */
public record OnnxNode(String op, List<String> inputs, List<String> outputs, Map<String, OnnxWeights> tensors) {}
