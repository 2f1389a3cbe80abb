package dev.fovea.kernels;

import dev.fovea.api.DType;
import dev.fovea.api.spec.GatherSpec;
import dev.fovea.api.spec.MapSpec;
import dev.fovea.api.spec.MatMulSpec;
import dev.fovea.api.spec.ReduceSpec;
import dev.fovea.api.spec.SelectSpec;
import java.util.List;
import java.util.Map;

/** Kernels of the tensor operations. */
public final class OperationKernels {
    private OperationKernels() {}

    /** The kernel of tiles. */
    public static KernelSource matmul(MatMulSpec spec, MatMulShape shape) {
        return matmul("matmul", spec, shape);
    }

    /** The kernel of few rows, which shares the build of {@link #matmul}. */
    public static KernelSource matmulRows(MatMulSpec spec, MatMulShape shape) {
        return matmul("matmul_rows", spec, shape);
    }

    private static KernelSource matmul(String entry, MatMulSpec spec, MatMulShape shape) {
        String defines = type("LEFT", spec.left())
                + type("RIGHT", spec.right())
                + type("OUTPUT", spec.output())
                + shape.defines();
        return plain(entry, "matmul.cl", defines);
    }

    /** Work-items of {@link #map}, and elements of each. */
    public static final int MAP_THREADS = 64;

    public static final int MAP_ELEMENTS = 4;

    /** The kernel of an expression; {@code wide} where {@link MapBlock#needsWide}. */
    public static KernelSource map(MapSpec spec, boolean wide) {
        ExpressionText expressions = new ExpressionText();
        expressions.function("map_expression", spec.value());
        String text = type("OUTPUT", spec.output()) + "#define WIDE " + (wide ? 1 : 0) + "\n"
                + new KernelText(Map.of("expressions.clh", expressions.text())).flatten("map.cl");
        return new KernelSource("map", text, expressions.captures(), expressions.scalars());
    }

    /** The kernel that reduces rows by work-groups of {@code threads}, a power of two. */
    public static KernelSource reduce(ReduceSpec spec, int threads) {
        return plain(
                "reduce",
                "reduce.cl",
                type("INPUT", spec.input()) + type("OUTPUT", spec.output()) + "#define RULE RULE_" + spec.rule()
                        + "\n#define REDUCE_THREADS " + threads + "\n");
    }

    /** Work-items of {@link #gather}. */
    public static final int GATHER_THREADS = 64;

    public static KernelSource gather(GatherSpec spec) {
        return plain("gather", "gather.cl", "#define WIDTH " + spec.dtype().bytes() + "\n");
    }

    /** The kernel that selects of a row by a work-group of {@code threads}. */
    public static KernelSource select(SelectSpec spec, int threads) {
        return plain("top", "select.cl", type("INPUT", spec.input()) + "#define SELECT_THREADS " + threads + "\n");
    }

    private static String type(String name, DType type) {
        return "#define " + name + " " + type + "\n";
    }

    private static KernelSource plain(String entry, String file, String defines) {
        return new KernelSource(entry, defines + new KernelText(Map.of()).flatten(file), List.of(), List.of());
    }
}
