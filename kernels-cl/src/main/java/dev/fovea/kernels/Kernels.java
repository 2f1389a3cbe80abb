package dev.fovea.kernels;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr.ValueKind;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.expr.KeyBand;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.MergeSpec;
import dev.fovea.api.spec.Normaliser;
import dev.fovea.api.spec.RotarySpec;
import dev.fovea.api.spec.ScoreStage;
import dev.fovea.api.spec.TransferSpec;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Assembles kernel sources. */
public final class Kernels {
    private Kernels() {}

    /** The attention kernel of a variant with the expressions of the spec. */
    public static KernelSource attention(AttentionVariant variant, AttentionSpec spec) {
        ExpressionText expressions = expressions(spec);
        judge(spec, expressions);
        String text = variant.defines()
                + KeyTables.defines(spec.source())
                + "#define NORMALISER " + spec.normaliser() + "\n#define SWEEPS " + sweeps(spec) + "\n#define SCORES "
                + (spec.scores().isPresent() ? 1 : 0) + "\n#define PAST " + (spec.past() ? 1 : 0)
                + "\n#define PARTIALS " + (spec.partials() ? 1 : 0) + "\n"
                + new KernelText(Map.of("expressions.clh", expressions.text())).flatten("attention.cl");
        return new KernelSource("attention", text, expressions.captures(), expressions.scalars(), expressions.ranges());
    }

    /** The attention kernel for sm_90a. */
    public static KernelSource hopper(HopperVariant variant, AttentionSpec spec) {
        ExpressionText expressions = expressions(spec);
        judge(spec, expressions);
        String text = storage(spec.storage())
                + variant.defines()
                + KeyTables.defines(spec.source())
                + "#define PARTIALS " + (spec.partials() ? 1 : 0) + "\n"
                + new KernelText(Map.of(
                                "expressions.clh", expressions.text(), "wgmma.clh", variant.products(spec.storage())))
                        .flatten("hopper_attention.cl");
        return new KernelSource(
                "hopper_attention",
                text,
                expressions.captures(),
                expressions.scalars(),
                expressions.ranges(),
                KernelSource.Target.SM_90A);
    }

    /** The kernel that splits f32 operands into f16 planes, by work-groups of {@link #PLANES_THREADS}. */
    public static KernelSource scaledPlanes() {
        return plain("scaled_planes", "#define THREADS " + PLANES_THREADS + "\n");
    }

    /** The kernel that splits f32 operands into bf16 planes, by work-groups of {@link #PLANES_THREADS}. */
    public static KernelSource planes() {
        return plain("planes", "#define THREADS " + PLANES_THREADS + "\n");
    }

    /** Work-items of a group of {@link #scaledPlanes} and of {@link #planes}. */
    public static final int PLANES_THREADS = 256;

    /** The attention kernel for mma.sync. */
    public static KernelSource mma(MmaVariant variant, AttentionSpec spec) {
        ExpressionText expressions = expressions(spec);
        judge(spec, expressions);
        String text = storage(spec.storage())
                + variant.defines()
                + KeyTables.defines(spec.source())
                + "#define PARTIALS " + (spec.partials() ? 1 : 0) + "\n#define PAST " + (spec.past() ? 1 : 0) + "\n"
                + new KernelText(Map.of("expressions.clh", expressions.text())).flatten("mma_attention.cl");
        return new KernelSource(
                "mma_attention", text, expressions.captures(), expressions.scalars(), expressions.ranges());
    }

    /** The kernel that tries what the attention kernel for mma.sync builds on: a buffer for operands, and one for the number of errors. */
    public static KernelSource mmaTest(DType storage) {
        return plain("mma_test", storage(storage));
    }

    /** What {@link #mmaTest} takes for its operands. */
    public static final int MMA_TEST_BYTES = 2 * 16 * (64 + 64 + 32);

    /** Work-items of {@link #mmaTest}, one group. */
    public static final int MMA_TEST_THREADS = 32;

    /** The attention kernel for the matrix units of AMD and Intel. */
    public static KernelSource tile(TileVariant variant, AttentionSpec spec) {
        ExpressionText expressions = expressions(spec);
        judge(spec, expressions);
        String text = storage(spec.storage())
                + variant.defines()
                + KeyTables.defines(spec.source())
                + "#define PARTIALS " + (spec.partials() ? 1 : 0) + "\n#define PAST " + (spec.past() ? 1 : 0) + "\n"
                + new KernelText(Map.of("expressions.clh", expressions.text())).flatten("tile_attention.cl");
        return new KernelSource(
                "tile_attention",
                text,
                expressions.captures(),
                expressions.scalars(),
                expressions.ranges(),
                variant.engine().target(variant.emulated()));
    }

    /** The kernel that tries what {@link #tile} builds on: a buffer for operands, and one for the number of errors. */
    public static KernelSource tileTest(TileEngine engine, boolean emulated, DType storage) {
        String text = storage(storage) + engine.defines(emulated) + new KernelText(Map.of()).flatten("tile_test.cl");
        return new KernelSource("tile_test", text, List.of(), List.of(), List.of(), engine.target(emulated));
    }

    /** Sub-groups of {@link #tileTest}, one work-group. */
    public static final int TILE_TEST_SUB_GROUPS = 2;

    /** What {@link #tileTest} takes for its operands. */
    public static final int TILE_TEST_BYTES = 2 * TILE_TEST_SUB_GROUPS * 16 * 64;

    private static void judge(AttentionSpec spec, ExpressionText expressions) {
        boolean verdicts = judgesTiles(spec);
        expressions.define("VERDICTS", verdicts ? 1 : 0);
        if (verdicts) {
            expressions.verdict(spec.mask());
        }
    }

    /** Whether the kernels judge tiles of pairs by the mask. */
    static boolean judgesTiles(AttentionSpec spec) {
        return spec.source().selection() == KeySource.Selection.ALL && hasVerdicts(spec);
    }

    /** A kernel of the texts that attend by parts of the keys. */
    static KernelSource decode(String entry, String file, String defines, AttentionSpec spec) {
        ExpressionText expressions = expressions(spec);
        expressions.define("VERDICTS", 0);
        String text = storage(spec.storage()) + defines + KeyTables.defines(spec.source())
                + "#define NORMALISER " + spec.normaliser() + "\n#define PARTIALS " + (spec.partials() ? 1 : 0)
                + "\n#define PAST " + (spec.past() ? 1 : 0) + "\n"
                + new KernelText(Map.of("expressions.clh", expressions.text())).flatten(file);
        return new KernelSource(entry, text, expressions.captures(), expressions.scalars());
    }

    /** Work-items of a group of the kernel that merges the parts. */
    public static final int DECODE_MERGE_THREADS = 128;

    /** The kernel that merges partials by a work-group of {@code threads}, a multiple of 8, for each row and each {@link #MERGE_COLUMNS}. */
    public static KernelSource merge(MergeSpec spec, int threads) {
        return plain(
                "merge",
                storage(spec.storage()) + "#define RULE RULE_" + spec.rule() + "\n#define MERGE_THREADS " + threads
                        + "\n");
    }

    /** Columns that a work-group of {@link #merge} makes. */
    public static final int MERGE_COLUMNS = 32;

    /** The kernel that moves rows: a work-group of {@link #TRANSFER_THREADS} for each row of each head. */
    public static KernelSource transfer(TransferSpec spec) {
        return plain("transfer", "#define KV_FORMAT KV_" + spec.from() + "\n#define TO_FORMAT KV_" + spec.to() + "\n");
    }

    /** Work-items of {@link #transfer}. */
    public static final int TRANSFER_THREADS = 32;

    /** The kernel that turns pairs of columns by work-groups of {@link #ROTARY_THREADS}, a work-item for each of {@link RotaryBlock#items}. */
    public static KernelSource rotary(RotarySpec spec) {
        return plain(
                "rotary",
                storage(spec.storage()) + "#define NEIGHBOURS "
                        + (spec.pairing() == RotarySpec.Pairing.NEIGHBOURS ? 1 : 0) + "\n#define SECTIONS "
                        + spec.sections() + "\n");
    }

    /** Work-items of {@link #rotary}. */
    public static final int ROTARY_THREADS = 64;

    private static String storage(DType type) {
        return "#define STORAGE STORAGE_" + type + "\n";
    }

    private static KernelSource plain(String entry, String defines) {
        String text = defines + new KernelText(Map.of()).flatten(entry + ".cl");
        return new KernelSource(entry, text, List.of(), List.of());
    }

    /** Weights as an output need the sums as much as a probability expression does that is not linear. */
    private static int sweeps(AttentionSpec spec) {
        boolean weights = spec.scores().filter(s -> s == ScoreStage.PROBABILITY).isPresent();
        return spec.twoPasses() || weights && spec.normaliser() != Normaliser.IDENTITY ? 2 : 1;
    }

    /** Work-items of a group of {@link #ranges}. */
    public static final int RANGE_THREADS = 64;

    /** The kernel that finds the least and largest number of blocks of a captured tensor. */
    public static KernelSource ranges() {
        return new KernelSource("ranges", new KernelText(Map.of()).flatten("ranges.cl"), List.of(), List.of());
    }

    /** Whether something beyond the band of keys can be known of a tile. */
    private static boolean hasVerdicts(AttentionSpec spec) {
        Map<String, Number> scalars = new HashMap<>();
        spec.scalars().keySet().forEach(name -> scalars.put(name, 0));
        return VerdictText.conjuncts(spec.mask()).stream()
                .anyMatch(e -> !KeyBand.of(e, scalars).exact() && new VerdictText(new ExpressionText()).knows(e));
    }

    private static ExpressionText expressions(AttentionSpec spec) {
        ExpressionText text = new ExpressionText();
        boolean weighted = !spec.probability().equals(Expressions.probability());
        boolean shaped = !spec.output().equals(Expressions.output());
        text.define("WEIGHTED", weighted ? 1 : 0);
        text.define("SHAPED", shaped ? 1 : 0);
        text.function("cap_expression", spec.cap(), ValueKind.SCORE);
        text.function("score_expression", spec.score(), ValueKind.SCORE);
        text.function("mask_expression", spec.mask());
        if (weighted) {
            text.function("weight_expression", spec.probability(), ValueKind.PROBABILITY, ValueKind.SCORE);
        }
        if (shaped) {
            text.function("output_expression", spec.output(), ValueKind.OUTPUT);
        }
        return text;
    }
}
