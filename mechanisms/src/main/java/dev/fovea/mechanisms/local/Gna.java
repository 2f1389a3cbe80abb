package dev.fovea.mechanisms.local;

import dev.fovea.api.Attention;
import dev.fovea.api.Names;
import dev.fovea.api.Operations;
import dev.fovea.api.Operations.Part;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Inputs;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.mechanisms.Port.Kind;
import dev.fovea.mechanisms.Sampler;
import dev.fovea.mechanisms.Values;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * Generalized neighbourhood attention on a grid of 1 to 3 axes: windows that move by strides, with gaps, causal along chosen axes.
 *
 * <pre>
 * along each axis, u = i // r within the n' points that share i % r:
 *   leader = u // s s + s // 2;  start = max(0, min(leader - w // 2, n' - w));  visible: start &lt;= u' &lt; start + w
 *   causal: leader = min(u // s s + s - 1, n' - 1);  visible: leader - w &lt; u' &lt;= u
 * </pre>
 *
 * @param grid points along each axis, the fastest last
 * @param kernel w, points of a window along each axis
 * @param stride s, points that share a window, from 1 (all windows differ) to w (blocks)
 * @param dilation r, the distance of neighbours in a window
 * @param causal 1 where a query sees no later point along the axis, else 0
 */
public record Gna(
        List<Integer> grid, List<Integer> kernel, List<Integer> stride, List<Integer> dilation, List<Integer> causal)
        implements Mechanism {
    private static final Parameter<List<Integer>> GRID = Parameter.integers(
            "grid",
            List.of(16, 16),
            1,
            1 << 20,
            "points along each of 1 to 3 axes, the fastest last: S is their product");
    private static final Parameter<List<Integer>> KERNEL =
            Parameter.integers("kernel", List.of(7), 1, 1 << 20, "w, points of a window; one number is for all axes");
    private static final Parameter<List<Integer>> STRIDE =
            Parameter.integers("stride", List.of(1), 1, 1 << 20, "s, points that share a window, at most w");
    private static final Parameter<List<Integer>> DILATION = Parameter.integers(
            "dilation", List.of(1), 1, 1 << 20, "r, the distance of neighbours; r w is at most the axis");
    private static final Parameter<List<Integer>> CAUSAL =
            Parameter.integers("causal", List.of(0), 0, 1, "1 where a query sees no later point along the axis");

    private static final Declaration DECLARATION = Declaration.of(
                    "gna",
                    "local",
                    "Generalized Neighborhood Attention: Multi-dimensional Sparse Attention at the Speed of Light")
            .equation("""
                    O = softmax(q k' / sqrt(D) where visible along every axis) v
                    along each axis, u = i // r within the n' points that share i % r:
                      leader = u // s s + s // 2;  start = max(0, min(leader - w // 2, n' - w));  visible: start <= u' < start + w
                      causal: leader = min(u // s s + s - 1, n' - 1);  visible: leader - w < u' <= u
                    """)
            .citation("Hassani et al. 2025; github.com/SHI-Labs/NATTEN")
            .input("query", "B H S D", "queries, the grid row-major")
            .input("key", "B H S D", "keys")
            .input("value", "B H S Dv", "values")
            .optional(
                    "extra_key",
                    Kind.REAL,
                    "B H E D",
                    "keys that all queries see, of a text for instance",
                    Sampler.normal())
            .optional("extra_value", Kind.REAL, "B H E Dv", "their values", Sampler.normal())
            .output("output", "B H S Dv", "attention; with extra keys over both, merged by log-sum-exp")
            .parameter(GRID)
            .parameter(KERNEL)
            .parameter(STRIDE)
            .parameter(DILATION)
            .parameter(CAUSAL)
            .note(
                    "An even window reaches one further to lower indices. Causal queries at the start of a stride group can see fewer than w keys.")
            .note(
                    "As a mask: whole tiles outside of all windows cost nothing. Tokens are not reordered into tiles, which would leave fewer"
                            + " partial ones.")
            .example("B=1 H=2 S=42 D=8 Dv=6 E=3; grid=7,6 kernel=5,4 stride=2,2")
            .example("B=2 H=1 S=23 D=4 Dv=4 E=0; grid=23 kernel=5 stride=2 dilation=3")
            .example("B=1 H=1 S=90 D=4 Dv=4 E=2; grid=3,5,6 kernel=2,4,4 stride=1,2,4 causal=1,0,1")
            .example("B=1 H=1 S=144 D=8 Dv=8 E=0; grid=16,9 kernel=3,4 stride=2,2 dilation=3,2 causal=1,0")
            .example("B=1 H=1 S=33 D=4 Dv=4 E=1; grid=3,11 kernel=3,3 stride=3,1 dilation=1,3")
            .build();

    public Gna {
        Inputs.require(GRID.check(grid).size() <= 3, "grid", "1 to 3 axes", grid);
        kernel = perAxis(KERNEL, kernel, grid);
        stride = perAxis(STRIDE, stride, grid);
        dilation = perAxis(DILATION, dilation, grid);
        causal = perAxis(CAUSAL, causal, grid);
        for (int a = 0; a < grid.size(); a++) {
            int w = kernel.get(a);
            Inputs.require(stride.get(a) <= w, "stride", "at most the kernel " + kernel, stride);
            Inputs.require(
                    (long) w * dilation.get(a) <= grid.get(a),
                    "kernel",
                    "kernel times dilation within " + grid,
                    kernel);
        }
    }

    public Gna() {
        this(GRID.standard(), KERNEL.standard(), STRIDE.standard(), DILATION.standard(), CAUSAL.standard());
    }

    private static List<Integer> perAxis(Parameter<List<Integer>> p, List<Integer> values, List<Integer> grid) {
        int axes = grid.size();
        List<Integer> all = p.check(values).size() == 1 ? Collections.nCopies(axes, values.getFirst()) : values;
        Inputs.require(all.size() == axes, p.name(), "1 or " + axes + " numbers", values);
        return List.copyOf(all);
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public Gna with(Values parameters) {
        return new Gna(
                parameters.get(GRID),
                parameters.get(KERNEL),
                parameters.get(STRIDE),
                parameters.get(DILATION),
                parameters.get(CAUSAL));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        int points = grid.stream().reduce(1, (a, b) -> a * b);
        Inputs.require(in.size("S") == points, "S", points + ", the points of grid " + grid, in.size("S"));
        Tensor query = in.get("query");
        Tensor value = in.get("value");
        Attention near = neighbourhood();
        if (!in.has("extra_key") || in.size("E") == 0) {
            return Map.of("output", ops.attend(query, in.get("key"), value, near));
        }
        Part extra = new Part(in.get("extra_key"), in.get("extra_value"), Attention.full());
        return Map.of("output", ops.attendParts(query, new Part(in.get("key"), value, near), extra));
    }

    private Attention neighbourhood() {
        Names names = Names.NONE;
        List<String> conditions = new ArrayList<>();
        int inner = 1;
        for (int a = grid.size() - 1; a >= 0; a--) {
            String text = visible(a, inner);
            Map<String, Integer> numbers = Map.of(
                    "n" + a, grid.get(a),
                    "w" + a, kernel.get(a),
                    "s" + a, stride.get(a),
                    "r" + a, dilation.get(a),
                    "m" + a, inner);
            for (Map.Entry<String, Integer> e : numbers.entrySet()) {
                names = text.contains(e.getKey()) ? names.with(e.getKey(), e.getValue()) : names;
            }
            conditions.add(text);
            inner *= grid.get(a);
        }
        return Attention.full().visibleWhere(String.join(" && ", conditions), names);
    }

    /** The condition along an axis; n, w, s and r are its numbers, m the points of the faster axes together. */
    private String visible(int a, int inner) {
        String i = coordinate("q", a, inner);
        String j = coordinate("k", a, inner);
        boolean dilated = dilation.get(a) > 1;
        boolean backward = causal.get(a) == 1;
        String u = dilated ? i + " // r#" : i;
        String v = dilated ? j + " // r#" : j;
        String group = dilated ? i + " % r# == " + j + " % r# && " : "";
        String size = dilated ? "(n# - " + i + " % r# + r# - 1) // r#" : "n#";
        String first = stride.get(a) == 1 ? u : u + " // s# * s#";
        String last = stride.get(a) == 1 ? u : "min(" + first + " + s# - 1, " + size + " - 1)";
        String leader = stride.get(a) == 1 ? u : first + " + s# // 2";
        String start = "max(min(" + leader + " - w# // 2, " + size + " - w#), 0)";
        String window = backward
                ? v + " <= " + u + " && " + last + " - w# < " + v
                : start + " <= " + v + " && " + v + " < " + start + " + w#";
        return (group + window).replace("#", "" + a);
    }

    private static String coordinate(String index, int axis, int inner) {
        String whole = inner == 1 ? index : index + " // m#";
        return axis == 0 ? "(" + whole + ")" : "(" + whole + " % n#)";
    }
}
