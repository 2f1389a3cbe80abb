package dev.fovea.conformance;

import dev.fovea.api.DType;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Menu;
import dev.fovea.api.expr.Scores;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/** Parameters for the masks and scores of the menu, such that a mask hides some pairs and shows others. */
final class MenuData {
    private static final int REACH = 6;

    private final AttentionCase c;
    private final int keys;
    private final SplittableRandom random;

    MenuData(AttentionCase c, int keys) {
        this.c = c;
        this.keys = Math.max(1, keys);
        this.random = new SplittableRandom(c.seed());
    }

    /** The masks and scores that cases can name. */
    static List<String> names() {
        return Stream.of(Menu.Stage.MASK, Menu.Stage.SCORE)
                .flatMap(stage -> Menu.entries().stream().filter(e -> e.stage() == stage))
                .map(Menu.Entry::name)
                .toList();
    }

    /** The entry of a name. */
    static Menu.Entry entry(String name) {
        return Menu.find(Menu.Stage.MASK, name)
                .or(() -> Menu.find(Menu.Stage.SCORE, name))
                .orElseThrow(() -> new IllegalArgumentException("no menu '" + name + "'; there is " + names()));
    }

    /** Adds what an expression loads and which numbers it uses. */
    void fill(Expr e, Map<String, HostTensor> captures, Map<String, Number> scalars) {
        if (e instanceof Expr.Load load && !captures.containsKey(load.name())) {
            captures.put(load.name(), tensor(load));
        } else if (e instanceof Expr.Scalar scalar) {
            scalars.putIfAbsent(scalar.name(), number(scalar.name()));
        }
        e.operands().forEach(o -> fill(o, captures, scalars));
    }

    private Number number(String name) {
        return switch (name) {
            case "window" -> Math.max(1, keys / 5);
            case "sinks", "dilation", "shared", "kernel_y", "kernel_z" -> 2;
            case "grid_x" -> 9;
            case "grid_y", "grid_z", "kernel_x", "window_x", "tiles_y", "tiles_z" -> 3;
            case "stride", "tile", "tiles_x" -> 5;
            case "window_y", "window_z", "globals", "radius" -> 1;
            case "block" -> 7;
            case "clean" -> keys / 2;
            case "reach" -> REACH;
            case "cap" -> 2.5f;
            default -> throw new IllegalStateException("no number for " + name);
        };
    }

    private HostTensor tensor(Expr.Load load) {
        int positions = keys + c.sq();
        return switch (load.name()) {
            case "prefix" -> integers(i -> random.nextInt(keys), c.b());
            case "documents", "branches", "key_ids" -> integers(i -> i % positions / 6, c.b(), positions);
            case "query_ids" -> integers(i -> i % Math.max(1, c.sq()) / 4, c.b(), Math.max(1, c.sq()));
            case "buckets" -> {
                int[] buckets = Scores.bucketsOfT5(REACH, 8, true);
                yield integers(i -> buckets[i], buckets.length);
            }
            case "random", "visible" -> {
                int[] shape = load.name().equals("random")
                        ? new int[] {6, 12}
                        : new int[] {c.b(), c.hq(), Math.max(1, c.sq()), keys};
                HostTensor flags = integers(i -> random.nextInt(3) == 0 ? 1 : 0, shape);
                yield new HostTensor(DType.BOOL, flags.values(), shape);
            }
            case "slopes", "head_scale", "head_factor", "ssmax" -> floats(0.5, c.hq());
            case "relative" -> floats(1, c.hq(), 2 * REACH + 1);
            case "weights" -> floats(1, c.hq(), 8);
            case "position_scale" -> floats(1, positions);
            case "phi_q" -> floats(1, c.hq(), Math.max(1, c.sq()), 2);
            case "phi_k" -> floats(1, c.hq(), keys, 2);
            case "learned" -> floats(1, c.b(), c.hq(), Math.max(1, c.sq()), keys);
            case "sandwich" -> {
                float[] table = Scores.sandwichTable(positions, 16);
                double[] x = new double[table.length];
                Arrays.setAll(x, i -> table[i] / 8);
                yield new HostTensor(DType.F32, x, positions);
            }
            default -> throw new IllegalStateException("no tensor for " + load.name());
        };
    }

    private interface Value {
        int at(int i);
    }

    private static HostTensor integers(Value value, int... shape) {
        double[] x = new double[Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        Arrays.setAll(x, i -> value.at(i));
        return new HostTensor(DType.I32, x, shape);
    }

    private HostTensor floats(double spread, int... shape) {
        double[] x = new double[Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        Arrays.setAll(x, i -> spread * random.nextGaussian());
        return new HostTensor(DType.F32, x, shape);
    }
}
