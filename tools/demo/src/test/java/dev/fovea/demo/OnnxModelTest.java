package dev.fovea.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.DynamicMessage;
import dev.fovea.demo.onnx.OnnxModel;
import dev.fovea.demo.onnx.OnnxSchema;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class OnnxModelTest {
    @Test
    void readsRawAndListedWeights() throws IOException {
        OnnxModel model = OnnxModel.parse(model(
                tensor("raw")
                        .setField(field("raw_data"), ByteString.copyFrom(new byte[] {0, 0, -128, 63, 0, 0, 0, -64})),
                tensor("listed").setField(field("float_data"), List.of(3f, 4f))));
        assertThat(model.weights().keySet()).containsExactly("raw", "listed");
        assertThat(weights(model, "raw")).containsExactly(1, -2);
        assertThat(weights(model, "listed")).containsExactly(3, 4);
    }

    @Test
    void refusesWeightsThatDoNotFillTheirShape() throws IOException {
        OnnxModel model = OnnxModel.parse(model(tensor("short").setField(field("float_data"), List.of(3f))));
        assertThatThrownBy(() -> weights(model, "short"))
                .hasMessage("ONNX tensor short of shape [2] holds 1 elements, expected 2");
    }

    @Test
    void refusesWeightsOfAnotherType() throws IOException {
        OnnxModel model = OnnxModel.parse(model(tensor("ints").setField(field("data_type"), 7)));
        assertThatThrownBy(() -> weights(model, "ints"))
                .hasMessage("ONNX tensor ints has data type 7, expected f32 (1)");
    }

    @Test
    void refusesWeightsInOtherFiles() {
        byte[] file = model(tensor("far").setField(field("data_location"), 1));
        assertThatThrownBy(() -> OnnxModel.parse(file))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("far lies in another file");
    }

    @Test
    void refusesWhatIsNoModel() {
        assertThatThrownBy(() -> OnnxModel.parse(new byte[0])).hasMessage("not an ONNX model: it holds no graph");
        assertThatThrownBy(() -> OnnxModel.parse("no model".getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(IOException.class);
    }

    @Test
    void anEncoderNeedsItsLayers() {
        assertThatThrownBy(() -> Encoder.read(model(tensor("other"))))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no tensor embeddings.word_embeddings.weight");
    }

    private static float[] weights(OnnxModel model, String name) {
        return Objects.requireNonNull(model.weights().get(name)).floats();
    }

    private static DynamicMessage.Builder tensor(String name) {
        return OnnxSchema.builder("TensorProto")
                .setField(field("name"), name)
                .setField(field("data_type"), 1)
                .setField(field("dims"), List.of(2L));
    }

    private static FieldDescriptor field(String name) {
        return OnnxSchema.message("TensorProto").findFieldByName(name);
    }

    private static byte[] model(DynamicMessage.Builder... tensors) {
        DynamicMessage.Builder graph = OnnxSchema.builder("GraphProto");
        for (DynamicMessage.Builder tensor : tensors) {
            graph.addRepeatedField(OnnxSchema.message("GraphProto").findFieldByName("initializer"), tensor.build());
        }
        return OnnxSchema.builder("ModelProto")
                .setField(OnnxSchema.message("ModelProto").findFieldByName("graph"), graph.build())
                .build()
                .toByteArray();
    }
}
