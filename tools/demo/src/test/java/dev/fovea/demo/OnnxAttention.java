package dev.fovea.demo;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import com.google.protobuf.DynamicMessage;
import dev.fovea.api.DType;
import dev.fovea.conformance.HostTensor;
import dev.fovea.demo.onnx.OnnxSchema;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One node of the ONNX operator <a href="https://onnx.ai/onnx/operators/onnx__Attention.html">Attention</a> (opset 23), run by ONNX
 * Runtime.
 *
 * @param softcap 0 = off
 * @param scale null = 1/sqrt(head dim)
 * @param scoresMode {@code qk_matmul_output_mode} of the fourth output; null = no such output
 */
record OnnxAttention(
        boolean causal,
        float softcap,
        @Nullable Float scale,
        @Nullable Integer scoresMode) {

    /** Inputs by name in the operator's order; an omitted optional one is an empty name. */
    private static final List<String> INPUTS = List.of("q", "k", "v", "mask", "past_k", "past_v");

    private static final int FLOAT = 1;
    private static final int BOOL = 9;

    /**
     * Runs the node.
     *
     * @param inputs q, k, v and whichever of mask, past_k and past_v there are, by those names
     * @return {@code o} [B, Hq, Sq, Dv] and, where asked for, {@code scores} [B, Hq, Sq, P + S], row-major
     */
    Map<String, double[]> run(Map<String, HostTensor> inputs) throws OrtException {
        return run(model(inputs), inputs);
    }

    /** Runs any model on inputs by name; the float outputs by name. */
    static Map<String, double[]> run(byte[] model, Map<String, HostTensor> inputs) throws OrtException {
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        Map<String, OnnxTensor> fed = new HashMap<>();
        try (OrtSession.SessionOptions options = quiet();
                OrtSession session = environment.createSession(model, options)) {
            for (Map.Entry<String, HostTensor> e : inputs.entrySet()) {
                fed.put(e.getKey(), tensor(environment, e.getValue()));
            }
            Map<String, double[]> out = new LinkedHashMap<>();
            try (OrtSession.Result result = session.run(fed)) {
                for (String name : session.getOutputNames()) {
                    FloatBuffer floats = ((OnnxTensor) result.get(name).orElseThrow()).getFloatBuffer();
                    out.put(
                            name,
                            IntStream.range(0, floats.remaining())
                                    .mapToDouble(floats::get)
                                    .toArray());
                }
            }
            return out;
        } finally {
            fed.values().forEach(OnnxTensor::close);
        }
    }

    // its shape inference gives the score output a last axis of 0 and warns at each run that the tensor differs
    private static OrtSession.SessionOptions quiet() throws OrtException {
        OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
        return options;
    }

    private static OnnxTensor tensor(OrtEnvironment environment, HostTensor t) throws OrtException {
        long[] shape = IntStream.of(t.shape()).asLongStream().toArray();
        double[] values = t.values();
        if (t.dtype() == DType.BOOL) {
            ByteBuffer bytes = ByteBuffer.allocateDirect(values.length);
            for (double v : values) {
                bytes.put((byte) (v != 0 ? 1 : 0));
            }
            return OnnxTensor.createTensor(environment, bytes.flip(), shape, OnnxJavaType.BOOL);
        }
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        return OnnxTensor.createTensor(environment, FloatBuffer.wrap(floats), shape);
    }

    private byte[] model(Map<String, HostTensor> inputs) {
        List<String> names = new ArrayList<>();
        for (String name : INPUTS) {
            names.add(inputs.containsKey(name) ? name : "");
        }
        while (names.getLast().isEmpty()) {
            names.removeLast();
        }
        boolean past = inputs.containsKey("past_k");
        List<String> outputs = new ArrayList<>(List.of("o"));
        if (past || scoresMode != null) {
            outputs.addAll(past ? List.of("present_k", "present_v") : List.of("", ""));
        }
        List<DynamicMessage> attributes = new ArrayList<>(
                List.of(attribute("is_causal", 2, "i", causal ? 1L : 0L), attribute("softcap", 1, "f", softcap)));
        Optional.ofNullable(scale).ifPresent(s -> attributes.add(attribute("scale", 1, "f", s)));
        if (scoresMode != null) {
            outputs.add("scores");
            attributes.add(attribute("qk_matmul_output_mode", 2, "i", scoresMode.longValue()));
        }
        DynamicMessage node = message(
                "NodeProto",
                Map.of("op_type", "Attention", "input", names, "output", outputs, "attribute", attributes));
        DynamicMessage graph = message(
                "GraphProto",
                Map.of(
                        "name",
                        "attention",
                        "node",
                        List.of(node),
                        "input",
                        inputs.entrySet().stream()
                                .map(e -> value(
                                        e.getKey(),
                                        e.getValue().dtype() == DType.BOOL ? BOOL : FLOAT,
                                        e.getValue().rank()))
                                .toList(),
                        "output",
                        outputs.stream()
                                .filter(o -> !o.isEmpty())
                                .map(o -> value(o, FLOAT, 4))
                                .toList()));
        return message(
                        "ModelProto",
                        Map.of(
                                "ir_version",
                                10L,
                                "graph",
                                graph,
                                "opset_import",
                                List.of(message("OperatorSetIdProto", Map.of("domain", "", "version", 23L)))))
                .toByteArray();
    }

    private static DynamicMessage attribute(String name, int type, String field, Object value) {
        return message("AttributeProto", Map.of("name", name, "type", type, field, value));
    }

    private static DynamicMessage value(String name, int elementType, int rank) {
        List<DynamicMessage> axes = IntStream.range(0, rank)
                .mapToObj(i -> message("DimensionProto", Map.of("dim_param", name + i)))
                .toList();
        DynamicMessage tensor = message(
                "TensorTypeProto",
                Map.of("elem_type", elementType, "shape", message("TensorShapeProto", Map.of("dim", axes))));
        return message(
                "ValueInfoProto", Map.of("name", name, "type", message("TypeProto", Map.of("tensor_type", tensor))));
    }

    private static DynamicMessage message(String type, Map<String, ?> fields) {
        DynamicMessage.Builder builder = OnnxSchema.builder(type);
        fields.forEach(
                (name, value) -> builder.setField(OnnxSchema.message(type).findFieldByName(name), value));
        return builder.build();
    }
}
