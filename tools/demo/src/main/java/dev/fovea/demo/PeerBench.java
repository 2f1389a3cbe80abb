package dev.fovea.demo;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.fovea.api.Attention;
import dev.fovea.api.AttentionPlan;
import dev.fovea.api.Backend;
import dev.fovea.api.Backends;
import dev.fovea.api.DType;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionArguments;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/**
 * The CPU backend against ONNX Runtime's fused MultiHeadAttention at 1 x 8 x 1024 x 64 f32 on one thread each, in turns within one
 * run, so that both meet the same clock and the same neighbours. Inputs and outputs of both are allocated once. Run it with
 * {@code FOVEA_THREADS=1}.
 */
public final class PeerBench {
    private static final int HEADS = 8;
    private static final int LENGTH = 1024;
    private static final int DIM = 64;
    private static final int SIZE = HEADS * LENGTH * DIM;
    private static final int WARM_UP = 40;
    private static final int CALLS = 120;
    private static final double FLOP = 4.0 * HEADS * LENGTH * LENGTH * DIM;

    /** About 50 units in the last place of outputs, which are averages of normal values and stay below 1. */
    private static final double TOLERANCE = 3e-6;

    private PeerBench() {}

    /** Prints the comparison; exit code 1 if the results differ, 2 without {@code FOVEA_THREADS=1}. */
    public static void main(String[] args) throws OrtException, IOException {
        if (!"1".equals(System.getenv("FOVEA_THREADS"))) {
            System.err.println("PeerBench compares one thread with one thread: set FOVEA_THREADS=1");
            System.exit(2);
        }
        System.exit(run() ? 0 : 1);
    }

    private static boolean run() throws OrtException, IOException {
        float[] q = normal(1);
        float[] k = normal(2);
        float[] v = normal(3);
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        FloatBuffer ortOut = ByteBuffer.allocateDirect(4 * SIZE)
                .order(ByteOrder.nativeOrder())
                .asFloatBuffer();
        try (Backend backend = Backends.open("cpu");
                Tensor query = backend.copyOf(q, 1, HEADS, LENGTH, DIM);
                Tensor key = backend.copyOf(k, 1, HEADS, LENGTH, DIM);
                Tensor value = backend.copyOf(v, 1, HEADS, LENGTH, DIM);
                Tensor output = backend.allocate(DType.F32, 1, HEADS, LENGTH, DIM);
                AttentionPlan plan = backend.prepare(Attention.full().spec(query, key, value));
                OrtSession.SessionOptions options = oneThread();
                OrtSession session = environment.createSession(model(), options);
                OnnxTensor ortQuery = packed(environment, q);
                OnnxTensor ortKey = packed(environment, k);
                OnnxTensor ortValue = packed(environment, v);
                OnnxTensor ortOutput =
                        OnnxTensor.createTensor(environment, ortOut, new long[] {1, LENGTH, (long) HEADS * DIM})) {
            AttentionArguments arguments = new AttentionArguments(query, key, value, output);
            Map<String, OnnxTensor> inputs = Map.of("q", ortQuery, "k", ortKey, "v", ortValue);
            Map<String, OnnxTensor> outputs = Map.of("o", ortOutput);
            double[] ours = new double[CALLS];
            double[] theirs = new double[CALLS];
            for (int i = -WARM_UP; i < CALLS; i++) {
                long start = System.nanoTime();
                plan.run(arguments);
                long middle = System.nanoTime();
                session.run(inputs, outputs).close();
                long end = System.nanoTime();
                if (i >= 0) {
                    ours[i] = (middle - start) / 1e6;
                    theirs[i] = (end - middle) / 1e6;
                }
            }
            double difference = difference(output.toFloatArray(), ortOut);
            print("fovea " + backend.info().id() + ": " + plan.describe(), ours);
            print("ONNX Runtime MultiHeadAttention", theirs);
            System.out.printf(
                    Locale.ROOT,
                    "ratio of medians (ONNX Runtime / fovea) %.2f, of minima %.2f; largest difference %.1e %s%n",
                    median(theirs) / median(ours),
                    least(theirs) / least(ours),
                    difference,
                    difference <= TOLERANCE ? "ok" : "DISAGREES (limit " + TOLERANCE + ")");
            return difference <= TOLERANCE;
        }
    }

    private static OrtSession.SessionOptions oneThread() throws OrtException {
        OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(1);
        options.setInterOpNumThreads(1);
        return options;
    }

    private static byte[] model() throws IOException {
        String name = "ort_mha_" + HEADS + ".onnx";
        try (InputStream in = PeerBench.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IOException(name + " is not in the demo's jar: build it again");
            }
            return in.readAllBytes();
        }
    }

    private static float[] normal(long seed) {
        Random random = new Random(seed);
        float[] out = new float[SIZE];
        for (int i = 0; i < SIZE; i++) {
            out[i] = (float) random.nextGaussian();
        }
        return out;
    }

    /** [H, S, D] as ONNX Runtime's [1, S, H*D]. */
    private static OnnxTensor packed(OrtEnvironment environment, float[] bhsd) throws OrtException {
        FloatBuffer out = ByteBuffer.allocateDirect(4 * SIZE)
                .order(ByteOrder.nativeOrder())
                .asFloatBuffer();
        for (int i = 0; i < SIZE; i++) {
            out.put(packedIndex(i), bhsd[i]);
        }
        return OnnxTensor.createTensor(environment, out, new long[] {1, LENGTH, (long) HEADS * DIM});
    }

    private static int packedIndex(int i) {
        int d = i % DIM;
        int s = i / DIM % LENGTH;
        int h = i / DIM / LENGTH;
        return (s * HEADS + h) * DIM + d;
    }

    private static double difference(float[] bhsd, FloatBuffer packed) {
        double worst = 0;
        for (int i = 0; i < SIZE; i++) {
            worst = Math.max(worst, Math.abs((double) bhsd[i] - packed.get(packedIndex(i))));
        }
        return worst;
    }

    private static void print(String what, double[] ms) {
        System.out.printf(
                Locale.ROOT,
                "median %7.3f ms  min %7.3f ms  %6.1f GFLOP/s at the median  %s%n",
                median(ms),
                least(ms),
                FLOP / median(ms) / 1e6,
                what);
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return (sorted[CALLS / 2 - 1] + sorted[CALLS / 2]) / 2;
    }

    private static double least(double[] values) {
        return Arrays.stream(values).min().orElseThrow();
    }
}
