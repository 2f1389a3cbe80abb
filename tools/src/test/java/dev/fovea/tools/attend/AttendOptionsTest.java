package dev.fovea.tools.attend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expressions;
import dev.fovea.conformance.AttentionCase;
import dev.fovea.conformance.Comparison;
import dev.fovea.conformance.Expected;
import dev.fovea.conformance.HostProblem;
import dev.fovea.conformance.HostTensor;
import dev.fovea.tools.Cli;
import dev.fovea.tools.npy.NpyFiles;
import dev.fovea.tools.npy.NpyType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every option of {@code fovea attend} against the float64 reference: the kit's cases go through files and flags. */
class AttendOptionsTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "b=2 hq=2 hk=2 hv=2 sq=5 sk=9",
                "hq=4 hk=2 hv=1 d=24 dv=40",
                "hq=6 hk=2 hv=3 dtype=f16 causal",
                "hq=4 hk=2 hv=2 dtype=bf16 causal",
                "scale=0.3",
                "sq=5 sk=9 causal",
                "sq=5 sk=9 causal offset=bottom-right",
                "sq=9 sk=5 causal offset=bottom-right",
                "sq=5 sk=5 past=7 causal offset=past",
                "b=3 hq=4 hk=2 hv=2 causal offset=per-batch",
                "b=2 hq=4 hk=2 hv=2 left=2 right=1 offset=per-head",
                "left=3",
                "right=2",
                "left=2 right=0",
                "sq=5 sk=9 left=3 right=1 offset=bottom-right",
                "sq=5 sk=9 alibi offset=bottom-right",
                "softcap=1.5 amplitude=8",
                "b=2 hq=2 hk=2 hv=2 mask=full",
                "mask=plane",
                "b=2 mask=keys",
                "hq=2 hk=1 hv=1 mask=rows",
                "mask=short",
                "b=2 hq=2 hk=2 hv=2 bias=full",
                "bias=plane dtype=f16 seed=2",
                "bias=plane dtype=bf16 seed=2",
                "b=2 bias=keys",
                "hq=2 hk=1 hv=1 bias=rows",
                "bias=short past=3",
                "hq=4 hk=2 hv=2 alibi",
                "hq=4 hk=2 hv=2 sink",
                "b=3 lengths=per-batch",
                "b=2 hq=4 hk=2 hv=2 lengths=per-head causal offset=bottom-right",
                "past=5",
                "b=2 hq=4 hk=2 hv=1 past=5 sk=3 mask=full d=24 dv=40 dtype=f16",
                "scores=raw softcap=2 causal",
                "scores=capped softcap=2 causal",
                "scores=masked softcap=2 causal bias=plane",
                "b=2 scores=probability causal sink lengths=per-batch",
                "b=2 hq=4 hk=2 hv=1 causal left=5 softcap=9 mask=full bias=short alibi sink lengths=per-batch past=3 offset=past scores=masked",
                // legal edges
                "b=0",
                "sq=0",
                "sk=0 scores=probability",
                "sk=0 sink",
                "special=nan scores=raw",
                "special=poison-masked lengths=per-batch b=2",
            })
    void agreesWithTheReference(String text) {
        check(AttentionCase.parse(text), Layout.BHSD);
    }

    @ParameterizedTest
    @EnumSource(Layout.class)
    void layouts(Layout layout) {
        for (String text : List.of(
                "b=2 hq=4 hk=2 hv=1 d=24 dv=40 causal",
                "b=2 hq=1 sq=5 sk=9",
                "b=2 hq=2 hk=2 hv=2 sq=1 sk=9 dtype=f16",
                "b=2 hq=4 hk=2 hv=2 dtype=bf16 past=4 sk=3 mask=full",
                "hq=2 hk=2 hv=2 sq=0")) {
            check(AttentionCase.parse(text), layout);
        }
    }

    private void check(AttentionCase c, Layout layout) {
        Expected expected = Expected.of(c);
        HostProblem p = expected.problem();
        List<String> args = flags(c, p, layout);
        Cli done = Cli.run(args.toArray(String[]::new));
        assertThat(done.code()).as(done.err()).isZero();
        Path out = folder.resolve("o.npy");
        int dv = p.spec().valueDim();
        int heads = p.spec().queryHeads();
        String type = c.dtype() == DType.F16 ? "float16" : "float32";
        assertThat(NpyFiles.describe(out))
                .isEqualTo(type + " "
                        + switch (layout) {
                            case BHSD -> List.of(p.batch(), heads, p.queries(), dv);
                            case BSHD -> List.of(p.batch(), p.queries(), heads, dv);
                            case PACKED -> List.of(p.batch(), p.queries(), heads * dv);
                        });
        double[] output = NpyFiles.read(out);
        if (layout != Layout.BHSD) {
            output = swapped(output, p.batch(), p.queries(), heads, dv);
        }
        double[] scores = p.spec().scores().isPresent() ? NpyFiles.read(folder.resolve("s.npy")) : new double[0];
        Comparison comparison = expected.compare(output, NpyFiles.read(folder.resolve("l.npy")), scores);
        assertThat(comparison.passed()).as(c + ": " + comparison).isTrue();
    }

    private List<String> flags(AttentionCase c, HostProblem p, Layout layout) {
        List<String> args = new ArrayList<>(List.of("attend", "--device", "cpu"));
        add(args, "q", p.query(), layout);
        add(args, "k", p.key(), layout);
        add(args, "v", p.value(), layout);
        add(args, "past-k", p.pastKey(), Layout.BHSD);
        add(args, "past-v", p.pastValue(), Layout.BHSD);
        add(args, "kv-lengths", p.keyLengths(), Layout.BHSD);
        add(args, "q-offset", p.queryOffsets(), Layout.BHSD);
        add(args, "sink", p.sinks(), Layout.BHSD);
        add(args, "mask", p.captures().get(Expressions.MASK), Layout.BHSD);
        add(args, "bias", p.captures().get(Expressions.BIAS), Layout.BHSD);
        add(args, "alibi", p.captures().get(Expressions.ALIBI), Layout.BHSD);
        args.addAll(List.of(
                "--layout", layout.toString(), "--lse", folder.resolve("l.npy").toString()));
        args.addAll(List.of("-o", folder.resolve("o.npy").toString()));
        if (layout == Layout.PACKED) {
            args.addAll(List.of("--heads", "" + c.hq(), "--kv-heads", "" + c.hk(), "--v-heads", "" + c.hv()));
        }
        if (c.dtype() == DType.BF16) {
            args.addAll(List.of("--dtype", "bf16"));
        }
        String rule = switch (c.offset()) {
            case TOP_LEFT -> "top-left";
            case BOTTOM_RIGHT -> "bottom-right";
            case PAST -> "past";
            case PER_BATCH, PER_HEAD -> "";
        };
        if (c.causal()) {
            args.add("--causal");
            if (!rule.isEmpty()) {
                args.add(rule);
            }
        } else if (!rule.isEmpty()) {
            args.addAll(List.of("--window-alignment", rule));
        }
        if (c.left() >= 0 || c.right() >= 0) {
            args.addAll(List.of("--window", c.left() + "," + c.right()));
        }
        if (c.softcap() != 0) {
            args.addAll(List.of("--softcap", "" + c.softcap()));
        }
        if (c.scale() != 0) {
            args.addAll(List.of("--scale", "" + c.scale()));
        }
        if (c.scores() != AttentionCase.Scores.NONE) {
            args.addAll(
                    List.of("--scores", c.scores().name().toLowerCase(Locale.ROOT) + "=" + folder.resolve("s.npy")));
        }
        return args;
    }

    private void add(List<String> args, String option, @Nullable HostTensor t, Layout layout) {
        if (t == null) {
            return;
        }
        NpyType type = switch (t.dtype()) {
            case F16 -> NpyType.FLOAT16;
            case F32, BF16 -> NpyType.FLOAT32;
            case I32 -> NpyType.INT32;
            case BOOL -> NpyType.BOOL;
            case BYTE -> throw new IllegalStateException();
        };
        int[] s = t.shape();
        double[] values = t.values();
        long[] shape = Arrays.stream(s).asLongStream().toArray();
        if (layout != Layout.BHSD) {
            values = swapped(values, s[0], s[1], s[2], s[3]);
            shape = layout == Layout.BSHD
                    ? new long[] {s[0], s[2], s[1], s[3]}
                    : new long[] {s[0], s[2], (long) s[1] * s[3]};
        }
        args.add("--" + option);
        args.add(NpyFiles.write(folder.resolve(option + ".npy"), type, values, shape)
                .toString());
    }

    /** [a, b, c, d] as [a, c, b, d]. */
    static double[] swapped(double[] x, int a, int b, int c, int d) {
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            int id = i % d;
            int ic = i / d % c;
            int ib = i / d / c % b;
            int ia = i / d / c / b;
            y[((ia * c + ic) * b + ib) * d + id] = x[i];
        }
        return y;
    }
}
