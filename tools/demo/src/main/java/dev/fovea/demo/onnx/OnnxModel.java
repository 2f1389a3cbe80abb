package dev.fovea.demo.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A network read from an ONNX file (<a href="https://onnx.ai/onnx/repo-docs/IR.html">ONNX IR</a>): its operations in topological
 * order, its weights and the names of its inputs and outputs.
 */
public record OnnxModel(
        List<OnnxNode> nodes, Map<String, OnnxWeights> weights, List<String> inputs, List<String> outputs) {

    /**
     * Parses the bytes of an ONNX file.
     *
     * @throws IOException if they are no ONNX model, or one that keeps its weights in other files
     */
    public static OnnxModel parse(byte[] file) throws IOException {
        CodedInputStream in = CodedInputStream.newInstance(file);
        in.enableAliasing(true);
        DynamicMessage model = DynamicMessage.parseFrom(OnnxSchema.message("ModelProto"), in);
        if (!model.hasField(OnnxSchema.message("ModelProto").findFieldByName("graph"))) {
            throw new IOException("not an ONNX model: it holds no graph");
        }
        Message graph = (Message) get(model, "graph");
        Map<String, OnnxWeights> weights = new LinkedHashMap<>();
        for (Message initializer : messages(graph, "initializer")) {
            OnnxWeights read = weights(initializer);
            weights.put(read.name(), read);
        }
        List<OnnxNode> nodes = new ArrayList<>();
        for (Message node : messages(graph, "node")) {
            Map<String, OnnxWeights> tensors = new HashMap<>();
            for (Message attribute : messages(node, "attribute")) {
                if (attribute.hasField(field(attribute, "t"))) {
                    tensors.put(string(attribute, "name"), weights((Message) get(attribute, "t")));
                }
            }
            nodes.add(new OnnxNode(
                    string(node, "op_type"), strings(node, "input"), strings(node, "output"), Map.copyOf(tensors)));
        }
        return new OnnxModel(List.copyOf(nodes), weights, names(graph, "input"), names(graph, "output"));
    }

    /** The node that makes the value of that name; empty for inputs and weights. */
    public Optional<OnnxNode> producer(String value) {
        return nodes.stream().filter(n -> n.outputs().contains(value)).findFirst();
    }

    /** The nodes that read the value of that name. */
    public List<OnnxNode> consumers(String value) {
        return nodes.stream().filter(n -> n.inputs().contains(value)).toList();
    }

    private static OnnxWeights weights(Message tensor) throws IOException {
        String name = string(tensor, "name");
        if ((int) get(tensor, "data_location") != 0) {
            throw new IOException("ONNX tensor " + name + " lies in another file; only self-contained models are read");
        }
        List<Integer> shape = new ArrayList<>();
        for (Object length : (List<?>) get(tensor, "dims")) {
            shape.add(Math.toIntExact((Long) length));
        }
        List<Float> floats = ((List<?>) get(tensor, "float_data"))
                .stream().map(f -> (Float) f).toList();
        return new OnnxWeights(
                name, List.copyOf(shape), (int) get(tensor, "data_type"), (ByteString) get(tensor, "raw_data"), floats);
    }

    private static FieldDescriptor field(Message message, String name) {
        return message.getDescriptorForType().findFieldByName(name);
    }

    private static Object get(Message message, String name) {
        return message.getField(field(message, name));
    }

    private static String string(Message message, String name) {
        return (String) get(message, name);
    }

    private static List<String> strings(Message message, String name) {
        return ((List<?>) get(message, name)).stream().map(Object::toString).toList();
    }

    private static List<Message> messages(Message message, String name) {
        return ((List<?>) get(message, name)).stream().map(m -> (Message) m).toList();
    }

    private static List<String> names(Message graph, String name) {
        return messages(graph, name).stream().map(v -> string(v, "name")).toList();
    }
}
