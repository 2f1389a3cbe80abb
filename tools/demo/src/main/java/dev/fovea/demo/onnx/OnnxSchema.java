package dev.fovea.demo.onnx;

import static com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Type.TYPE_BYTES;
import static com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Type.TYPE_FLOAT;
import static com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Type.TYPE_INT32;
import static com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Type.TYPE_INT64;
import static com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Type.TYPE_STRING;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Label;
import com.google.protobuf.DescriptorProtos.FieldOptions;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.DescriptorValidationException;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import java.util.List;

/**
 * The messages of <a href="https://github.com/onnx/onnx/blob/main/onnx/onnx.proto">onnx.proto</a> (proto2), with the fields that dense
 * float networks use; anything else in a file stays an unknown field. Built here rather than by protoc, which would put a native
 * executable for each build platform into the build.
 */
public final class OnnxSchema {
    private static final FileDescriptor FILE = build();

    private OnnxSchema() {}

    /**
     * The descriptor of one message.
     *
     * @param name its name in onnx.proto, such as {@code NodeProto}
     * @throws IllegalArgumentException if this subset does not hold it
     */
    public static Descriptor message(String name) {
        Descriptor found = FILE.findMessageTypeByName(name);
        if (found == null) {
            throw new IllegalArgumentException("no ONNX message " + name + " in this subset of onnx.proto");
        }
        return found;
    }

    /** An empty builder of the message of that name, for {@link #message}'s names. */
    public static DynamicMessage.Builder builder(String name) {
        return DynamicMessage.newBuilder(message(name));
    }

    private static FileDescriptor build() {
        FileDescriptorProto file = FileDescriptorProto.newBuilder()
                .setName("onnx-subset.proto")
                .setPackage("onnx")
                .setSyntax("proto2")
                .addAllMessageType(List.of(
                        type(
                                "ModelProto",
                                one("ir_version", 1, TYPE_INT64),
                                one("producer_name", 2, TYPE_STRING),
                                one("graph", 7, "GraphProto"),
                                many("opset_import", 8, "OperatorSetIdProto")),
                        type("OperatorSetIdProto", one("domain", 1, TYPE_STRING), one("version", 2, TYPE_INT64)),
                        type(
                                "GraphProto",
                                many("node", 1, "NodeProto"),
                                one("name", 2, TYPE_STRING),
                                many("initializer", 5, "TensorProto"),
                                many("input", 11, "ValueInfoProto"),
                                many("output", 12, "ValueInfoProto")),
                        type(
                                "NodeProto",
                                many("input", 1, TYPE_STRING),
                                many("output", 2, TYPE_STRING),
                                one("name", 3, TYPE_STRING),
                                one("op_type", 4, TYPE_STRING),
                                many("attribute", 5, "AttributeProto"),
                                one("domain", 7, TYPE_STRING)),
                        type(
                                "AttributeProto",
                                one("name", 1, TYPE_STRING),
                                one("f", 2, TYPE_FLOAT),
                                one("i", 3, TYPE_INT64),
                                one("s", 4, TYPE_BYTES),
                                one("t", 5, "TensorProto"),
                                many("floats", 7, TYPE_FLOAT),
                                many("ints", 8, TYPE_INT64),
                                one("type", 20, TYPE_INT32)),
                        type(
                                "TensorProto",
                                many("dims", 1, TYPE_INT64),
                                one("data_type", 2, TYPE_INT32),
                                packed("float_data", 4, TYPE_FLOAT),
                                packed("int64_data", 7, TYPE_INT64),
                                one("name", 8, TYPE_STRING),
                                one("raw_data", 9, TYPE_BYTES),
                                one("data_location", 14, TYPE_INT32)),
                        type("ValueInfoProto", one("name", 1, TYPE_STRING), one("type", 2, "TypeProto")),
                        type("TypeProto", one("tensor_type", 1, "TensorTypeProto")),
                        type("TensorTypeProto", one("elem_type", 1, TYPE_INT32), one("shape", 2, "TensorShapeProto")),
                        type("TensorShapeProto", many("dim", 1, "DimensionProto")),
                        type("DimensionProto", one("dim_value", 1, TYPE_INT64), one("dim_param", 2, TYPE_STRING))))
                .build();
        try {
            return FileDescriptor.buildFrom(file, new FileDescriptor[0]);
        } catch (DescriptorValidationException e) {
            throw new IllegalStateException("the ONNX schema in this class is inconsistent: " + e.getMessage(), e);
        }
    }

    private static DescriptorProto type(String name, FieldDescriptorProto... fields) {
        return DescriptorProto.newBuilder()
                .setName(name)
                .addAllField(List.of(fields))
                .build();
    }

    private static FieldDescriptorProto one(String name, int number, FieldDescriptorProto.Type type) {
        return field(name, number, Label.LABEL_OPTIONAL).setType(type).build();
    }

    private static FieldDescriptorProto one(String name, int number, String message) {
        return field(name, number, Label.LABEL_OPTIONAL)
                .setTypeName(".onnx." + message)
                .build();
    }

    private static FieldDescriptorProto many(String name, int number, FieldDescriptorProto.Type type) {
        return field(name, number, Label.LABEL_REPEATED).setType(type).build();
    }

    private static FieldDescriptorProto many(String name, int number, String message) {
        return field(name, number, Label.LABEL_REPEATED)
                .setTypeName(".onnx." + message)
                .build();
    }

    private static FieldDescriptorProto packed(String name, int number, FieldDescriptorProto.Type type) {
        return field(name, number, Label.LABEL_REPEATED)
                .setType(type)
                .setOptions(FieldOptions.newBuilder().setPacked(true))
                .build();
    }

    private static FieldDescriptorProto.Builder field(String name, int number, Label label) {
        return FieldDescriptorProto.newBuilder().setName(name).setNumber(number).setLabel(label);
    }
}
