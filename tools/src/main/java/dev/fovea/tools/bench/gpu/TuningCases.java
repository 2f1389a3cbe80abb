package dev.fovea.tools.bench.gpu;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.ExecutionStream;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.tools.UsageException;
import dev.fovea.tools.bench.BenchShape;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Cases to tune by, on a device. */
public final class TuningCases implements AutoCloseable {
    private static final Pairs FULL = new Pairs.Full();
    private static final Pairs CAUSAL = new Pairs.Causal(-1);

    private final ExecutionStream stream;
    private final DeviceInputs inputs;
    private final List<TuningCase> cases;

    private TuningCases(Backend backend, List<GpuCase> wanted, boolean filled) {
        this.stream = backend.newStream();
        this.inputs = new DeviceInputs(backend, wanted, filled);
        this.cases = wanted.stream()
                .map(c -> new TuningCase(backend, stream, inputs, c))
                .toList();
    }

    /**
     * Cases that are there for the kind of device.
     *
     * @param only those whose names it finds; null for all
     * @param filled whether they are to be run, too
     */
    public static TuningCases usual(Backend backend, @Nullable Pattern only, boolean filled) {
        List<GpuCase> all = backend.info().kind() == DeviceInfo.Kind.OPENCL_CPU ? small() : large();
        List<GpuCase> wanted = all.stream()
                .filter(c -> only == null || only.matcher(c.name()).find())
                .toList();
        if (wanted.isEmpty()) {
            throw new UsageException("--case: no case has '" + only + "' in its name; there are "
                    + String.join(", ", all.stream().map(GpuCase::name).toList()));
        }
        return new TuningCases(backend, wanted, filled);
    }

    /** Cases of these shapes. */
    public static TuningCases of(
            Backend backend, List<BenchShape> shapes, List<DType> types, boolean causal, boolean filled) {
        List<GpuCase> wanted = new ArrayList<>();
        for (BenchShape s : shapes) {
            if (causal && s.queries() != s.keys()) {
                throw new UsageException("--causal takes as many keys as queries, got --shape " + s);
            }
            for (DType type : types) {
                wanted.add(new GpuCase(
                        s + " " + type.name().toLowerCase(Locale.ROOT) + (causal ? " causal" : ""),
                        GpuCase.Kind.ATTENTION,
                        s.batch(),
                        s.heads(),
                        s.keyHeads(),
                        s.queries(),
                        s.keys(),
                        s.headDim(),
                        s.headDim(),
                        type,
                        KvFormat.of(type),
                        causal ? CAUSAL : FULL,
                        false,
                        false));
            }
        }
        return new TuningCases(backend, wanted, filled);
    }

    /** Those of the suite that differ in what kernels are chosen by. */
    private static List<GpuCase> large() {
        return GpuCases.all().stream()
                .filter(c -> c.kind() == GpuCase.Kind.ATTENTION && !c.bshd())
                .toList();
    }

    /** What a CPU does in some hundredths of a second. */
    private static List<GpuCase> small() {
        return List.of(
                GpuCase.of("256-64-full", 1, 4, 256, 64, DType.F32, FULL),
                GpuCase.of("256-64-causal", 1, 4, 256, 64, DType.F32, CAUSAL),
                GpuCase.of("256-128-full", 1, 4, 256, 128, DType.F32, FULL),
                GpuCase.of("1k-64-causal", 1, 2, 1024, 64, DType.F32, CAUSAL),
                GpuCase.of("256-64-full-f16", 1, 4, 256, 64, DType.F16, FULL),
                GpuCase.decode("decode-f32", DType.F32, KvFormat.F32).shrunk(16),
                GpuCase.decode("decode-int8", DType.F32, KvFormat.INT8).shrunk(16));
    }

    public List<TuningCase> cases() {
        return cases;
    }

    @Override
    public void close() {
        inputs.close();
        stream.close();
    }
}
