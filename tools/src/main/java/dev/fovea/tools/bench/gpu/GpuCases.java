package dev.fovea.tools.bench.gpu;

import dev.fovea.api.DType;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.tools.bench.gpu.GpuCase.Kind;
import java.util.ArrayList;
import java.util.List;

/** The cases of the suite. */
final class GpuCases {
    private static final Pairs FULL = new Pairs.Full();
    private static final Pairs CAUSAL = new Pairs.Causal(-1);

    private GpuCases() {}

    static List<GpuCase> all() {
        List<GpuCase> all = new ArrayList<>();
        both(all, "16k-128", 1, 16, 16384, 128);
        both(all, "4k-128", 4, 16, 4096, 128);
        both(all, "1k-128", 16, 16, 1024, 128);
        both(all, "16k-64", 1, 32, 16384, 64);
        both(all, "1k-64", 16, 32, 1024, 64);
        all.add(GpuCase.of("8k-256-causal", 2, 16, 8192, 256, DType.BF16, CAUSAL));
        all.add(GpuCase.of("8k-192-128-causal", 2, 16, 8192, 192, DType.BF16, CAUSAL)
                .withValueDim(128));
        all.add(GpuCase.of("f32-4k-64-full", 4, 16, 4096, 64, DType.F32, FULL));
        all.add(GpuCase.of("f32-4k-64-causal", 4, 16, 4096, 64, DType.F32, CAUSAL));
        all.add(GpuCase.of("f32-4k-128-full", 4, 8, 4096, 128, DType.F32, FULL));
        all.add(GpuCase.of("8k-128-bias", 2, 16, 8192, 128, DType.BF16, new Pairs.LinearBias(0.01f)));
        all.add(GpuCase.of("8k-128-window", 2, 16, 8192, 128, DType.BF16, new Pairs.Causal(1023)));
        all.add(GpuCase.of("8k-128-documents", 2, 16, 8192, 128, DType.BF16, Pairs.Documents.random(8, 8192)));
        all.add(GpuCase.decode("decode-bf16", DType.BF16, KvFormat.BF16));
        all.add(GpuCase.decode("decode-f16", DType.F16, KvFormat.F16));
        all.add(GpuCase.decode("decode-int8", DType.BF16, KvFormat.INT8));
        all.add(GpuCase.of("copy", 1, 1, 1 << 13, 64, DType.F32, FULL).as(Kind.COPY));
        all.add(GpuCase.of("host", 1, 8, 128, 64, DType.BF16, FULL).as(Kind.HOST));
        return all;
    }

    private static void both(List<GpuCase> all, String name, int batch, int heads, int positions, int dim) {
        for (boolean causal : new boolean[] {false, true}) {
            String full = name + (causal ? "-causal" : "-full");
            GpuCase plain = GpuCase.of(full, batch, heads, positions, dim, DType.BF16, causal ? CAUSAL : FULL);
            all.add(plain);
            all.add(plain.withOptions(full + "-options"));
        }
    }
}
