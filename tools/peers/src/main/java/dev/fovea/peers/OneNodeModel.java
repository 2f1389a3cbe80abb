package dev.fovea.peers;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * An ONNX model of one node with the inputs q, k, v and the output o, in the wire format of Protocol Buffers; the numbers of the fields are those
 * of onnx.proto3.
 */
final class OneNodeModel {
    private static final int FLOAT = 1;
    private static final int INT_ATTRIBUTE = 2;
    private static final long IR_VERSION = 10;
    private static final long DEFAULT_OPSET = 23;
    private static final long MICROSOFT_OPSET = 1;
    private static final String MICROSOFT = "com.microsoft";

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private OneNodeModel() {}

    /** An operator of ONNX itself. */
    static byte[] standard(String operator, Map<String, Long> attributes, long[] query, long[] key) {
        return model("", operator, attributes, query, key);
    }

    /** An operator that ONNX Runtime adds. */
    static byte[] contributed(String operator, Map<String, Long> attributes, long[] query, long[] key) {
        return model(MICROSOFT, operator, attributes, query, key);
    }

    private static byte[] model(
            String domain, String operator, Map<String, Long> attributes, long[] query, long[] key) {
        OneNodeModel node = new OneNodeModel()
                .text(1, "q")
                .text(1, "k")
                .text(1, "v")
                .text(2, "o")
                .text(4, operator)
                .text(7, domain);
        attributes.forEach((name, value) -> node.message(
                5, new OneNodeModel().text(1, name).number(3, value).number(20, INT_ATTRIBUTE)));
        OneNodeModel graph = new OneNodeModel()
                .message(1, node)
                .text(2, "attention")
                .message(11, tensor("q", query))
                .message(11, tensor("k", key))
                .message(11, tensor("v", key))
                .message(12, tensor("o", query));
        return new OneNodeModel()
                .number(1, IR_VERSION)
                .message(7, graph)
                .message(8, new OneNodeModel().text(1, "").number(2, DEFAULT_OPSET))
                .message(8, new OneNodeModel().text(1, MICROSOFT).number(2, MICROSOFT_OPSET))
                .out
                .toByteArray();
    }

    private static OneNodeModel tensor(String name, long[] shape) {
        OneNodeModel dims = new OneNodeModel();
        for (long n : shape) {
            dims.message(1, new OneNodeModel().number(1, n));
        }
        OneNodeModel type = new OneNodeModel()
                .message(1, new OneNodeModel().number(1, FLOAT).message(2, dims));
        return new OneNodeModel().text(1, name).message(2, type);
    }

    private OneNodeModel number(int field, long value) {
        varint((long) field << 3);
        varint(value);
        return this;
    }

    private OneNodeModel text(int field, String value) {
        return bytes(field, value.getBytes(StandardCharsets.UTF_8));
    }

    private OneNodeModel message(int field, OneNodeModel value) {
        return bytes(field, value.out.toByteArray());
    }

    private OneNodeModel bytes(int field, byte[] value) {
        varint((long) field << 3 | 2);
        varint(value.length);
        out.writeBytes(value);
        return this;
    }

    private void varint(long value) {
        long rest = value;
        for (; rest >>> 7 != 0; rest >>>= 7) {
            out.write((int) (rest & 0x7f | 0x80));
        }
        out.write((int) rest);
    }
}
