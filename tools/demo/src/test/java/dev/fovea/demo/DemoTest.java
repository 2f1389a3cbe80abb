package dev.fovea.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import ai.onnxruntime.OrtException;
import dev.fovea.api.Backends;
import dev.fovea.api.spi.DeviceReport;
import dev.fovea.tools.Progress;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The whole network, with its attention on the reference and on every device there is, against ONNX Runtime. */
class DemoTest {
    private static List<String> sentences;
    private static Demo demo;

    @BeforeAll
    static void load() throws IOException, OrtException {
        sentences = Sentences.builtIn();
        demo = new Demo(sentences, quiet());
    }

    @Test
    void networkWithReferenceAttentionAgrees() {
        List<float[]> hidden = demo.pass(new ReferenceAttention()).stream()
                .map(Encoder.Forward::hidden)
                .toList();
        Agreement agreement = demo.compare(hidden);
        assertThat(agreement.passes()).as("%s", agreement).isTrue();
    }

    @Test
    void batchesAreRagged() {
        assertThat(demo.batches())
                .allSatisfy(b -> assertThat(b.lengths().stream().distinct()).hasSizeGreaterThan(3));
    }

    @Test
    void attentionBeyondASentenceIsSeen() {
        // the comparison must be able to fail: without lengths padding takes part
        List<float[]> hidden = demo
                .pass((q, k, v, batch) -> new ReferenceAttention()
                        .attend(
                                q,
                                k,
                                v,
                                new TokenBatch(
                                        batch.ids(),
                                        batch.lengths().stream()
                                                .map(l -> batch.width())
                                                .toList(),
                                        batch.width())))
                .stream()
                .map(Encoder.Forward::hidden)
                .toList();
        assertThat(demo.compare(hidden).passes()).isFalse();
    }

    @TestFactory
    Stream<DynamicTest> everyDeviceAgrees() {
        List<String> devices = Backends.report().stream()
                .filter(DeviceReport.Available.class::isInstance)
                .map(DeviceReport::id)
                .toList();
        assertThat(devices).contains("cpu");
        return devices.stream()
                .map(device -> DynamicTest.dynamicTest(device, () -> {
                    DeviceResult result = assertThat(demo.on(device, quiet()))
                            .asInstanceOf(type(DeviceResult.class))
                            .actual();
                    assertThat(result.agreement().passes())
                            .as("key lengths: %s", result.agreement())
                            .isTrue();
                    assertThat(result.maskAgreement().passes())
                            .as("boolean mask: %s", result.maskAgreement())
                            .isTrue();
                    Similarity similarity = new Similarity(sentences, result.vectors());
                    int half = sentences.size() / 2;
                    for (int i = 0; i < sentences.size(); i++) {
                        assertThat(similarity.nearest(i)).as(sentences.get(i)).isEqualTo((i + half) % sentences.size());
                    }
                }));
    }

    private static Progress quiet() {
        return new Progress(new PrintWriter(Writer.nullWriter()), false);
    }
}
