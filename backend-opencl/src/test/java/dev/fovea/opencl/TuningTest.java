package dev.fovea.opencl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.Attention;
import dev.fovea.api.AttentionPlan;
import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.ExecutionStream;
import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.FoveaException.Unsupported;
import dev.fovea.api.Tensor;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.Schedule;
import dev.fovea.api.spi.DevicePlan;
import dev.fovea.api.spi.Tunable;
import dev.fovea.api.spi.Tunable.Choice;
import dev.fovea.api.spi.TuningPoint;
import dev.fovea.opencl.tuning.Tuning;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tables that choose kernels on a device, and plans of single points. */
class TuningTest {
    private static final int HEADS = 2;
    private static final int POSITIONS = 70;
    private static final int DIM = 64;
    private static final String BUCKET = "f32 64x64 q16 k1 band";

    @TempDir
    private Path folder;

    @AfterEach
    void noTable() {
        System.clearProperty(Tuning.PROPERTY);
    }

    private void table(String bucket, String point) throws IOException {
        Path file = Files.writeString(
                folder.resolve("t.json"),
                "{\"format\": 1, \"entries\": [{\"layer\": \"any\", \"family\": \"attention\", \"bucket\": \"" + bucket
                        + "\", \"point\": {" + point + "}}]}");
        System.setProperty(Tuning.PROPERTY, file.toString());
    }

    private static Tensor random(Backend backend, long seed, int heads, int positions) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] x = new float[heads * positions * DIM];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return backend.copyOf(x, 1, heads, positions, DIM);
    }

    private record Result(float[] output, String path) {}

    private static Result run() {
        try (Backend backend = FirstDevice.open();
                Tensor q = random(backend, 1, HEADS, POSITIONS);
                Tensor k = random(backend, 2, HEADS, POSITIONS);
                Tensor v = random(backend, 3, HEADS, POSITIONS);
                Tensor o = backend.allocate(DType.F32, 1, HEADS, POSITIONS, DIM);
                AttentionPlan plan = backend.prepare(Attention.causal().spec(q, k, v))) {
            plan.run(new AttentionArguments(q, k, v, o));
            return new Result(o.toFloatArray(), plan.describe());
        }
    }

    @Test
    void aTableChooses() throws IOException {
        Result usual = run();
        assertThat(usual.path()).contains("64 queries").doesNotContain("tuning");
        table(BUCKET, "\"rowGroups\": 8");
        Result tuned = run();
        assertThat(tuned.path()).contains("tuning: q16 k1: rowGroups=8").contains("t.json, any");
        for (int i = 0; i < usual.output().length; i++) {
            assertThat(tuned.output()[i]).isCloseTo(usual.output()[i], org.assertj.core.data.Offset.offset(2e-6f));
        }
        assertThat(run().output()).as("the same table gives the same bits").isEqualTo(tuned.output());
    }

    @Test
    void aPointThatTheKernelCannotTakeIsPassedOver() throws IOException {
        float[] usual = run().output();
        for (String point : List.of("\"rowGroups\": 64", "\"slice\": 40", "\"rowGroups\": 16, \"resident\": 32")) {
            table(BUCKET, point);
            Result result = run();
            assertThat(result.path()).as(point).doesNotContain("tuning");
            assertThat(result.output()).isEqualTo(usual);
        }
    }

    @Test
    void aTableThatIsWrongIsSaidWhereverItMatters() throws IOException {
        FirstDevice.open().close();
        table(BUCKET, "\"size\": 8");
        assertThatThrownBy(FirstDevice::open)
                .isInstanceOf(InvalidArgument.class)
                .hasMessageContaining("line 1: the kernel family attention has no 'size'");
        assertThat(new OpenClProvider().probe().toString())
                .contains("tuning: refused")
                .contains("no 'size'");
    }

    private Result decoded(boolean scheduled) {
        int keys = 700;
        try (Backend backend = FirstDevice.open();
                Tensor q = random(backend, 1, HEADS, 1);
                Tensor k = random(backend, 2, HEADS, keys);
                Tensor v = random(backend, 3, HEADS, keys);
                Tensor o = backend.allocate(DType.F32, 1, HEADS, 1, DIM);
                AttentionPlan plan = backend.prepare(Attention.full().spec(q, k, v));
                Schedule schedule = plan.schedule(new int[] {1}, new int[] {keys})) {
            AttentionArguments a = new AttentionArguments(q, k, v, o);
            plan.run(scheduled ? a.with(schedule) : a);
            return new Result(o.toFloatArray(), plan.describe());
        }
    }

    @Test
    void schedulesCutAsTablesSay() throws IOException {
        Path file = Files.writeString(
                folder.resolve("t.json"),
                "{\"format\": 1, \"entries\": [{\"layer\": \"any\", \"family\": \"decode\", \"bucket\":"
                        + " \"f32 64x64 all full\", \"point\": {\"partKiB\": 64, \"keyLanes\": 4}}]}");
        Result usual = decoded(false);
        System.setProperty(Tuning.PROPERTY, file.toString());
        Result tuned = decoded(false);
        assertThat(tuned.path()).contains("tuning: keyLanes=4 partKiB=64");
        assertThat(decoded(true).output()).isEqualTo(tuned.output());
        for (int i = 0; i < DIM; i++) {
            assertThat(tuned.output()[i]).isCloseTo(usual.output()[i], org.assertj.core.data.Offset.offset(2e-6f));
        }
    }

    @Test
    void choicesAndTheirPlans() {
        try (Backend backend = FirstDevice.open();
                ExecutionStream stream = backend.newStream();
                Tensor q = random(backend, 1, HEADS, 3);
                Tensor k = random(backend, 2, HEADS, 300);
                Tensor v = random(backend, 3, HEADS, 300);
                Tensor o = backend.allocate(DType.F32, 1, HEADS, 3, DIM)) {
            Tunable tunable = backend.capability(Tunable.class).orElseThrow();
            assertThat(tunable.layers().getFirst().kind()).isEqualTo("device");
            assertThat(tunable.layers().getLast()).isEqualTo(new Tunable.Layer("any", ""));
            assertThat(tunable.tuning()).contains("built in");
            AttentionSpec spec = Attention.full().spec(q, k, v);
            AttentionArguments a = new AttentionArguments(q, k, v, o);
            List<Choice> choices = tunable.choices(spec, a);
            assertThat(choices).extracting(Choice::family).containsSubsequence("decode", "attention");
            float[] right = null;
            for (Choice c : choices) {
                assertThat(c.space())
                        .as(c.family())
                        .contains(c.inForce())
                        .hasSizeGreaterThan(4)
                        .doesNotHaveDuplicates();
                for (TuningPoint point : List.of(c.inForce(), c.space().get(1))) {
                    try (DevicePlan plan = tunable.prepare(spec, c.family(), point)) {
                        assertThat(plan.describe()).endsWith(" at " + point);
                        plan.run(a, stream);
                        stream.await();
                        float[] got = o.toFloatArray();
                        right = right == null ? got : right;
                        for (int i = 0; i < got.length; i++) {
                            assertThat(got[i]).isCloseTo(right[i], org.assertj.core.data.Offset.offset(2e-6f));
                        }
                    }
                }
            }
            TuningPoint never = TuningPoint.DEFAULTS.with("rowGroups", 64);
            assertThatThrownBy(() -> tunable.prepare(spec, "attention", never)).isInstanceOf(Unsupported.class);
        }
    }
}
