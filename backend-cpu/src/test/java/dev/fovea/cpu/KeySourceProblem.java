package dev.fovea.cpu;

import dev.fovea.api.Backend;
import dev.fovea.api.DType;
import dev.fovea.api.HalfFloats;
import dev.fovea.api.Tensor;
import dev.fovea.api.expr.Expr;
import dev.fovea.api.expr.Expr.IndexKind;
import dev.fovea.api.expr.Expressions;
import dev.fovea.api.spec.AttentionArguments;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeyArguments;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.KeySource.Layout;
import dev.fovea.api.spec.KeySource.Selection;
import dev.fovea.api.spec.KvFormat;
import dev.fovea.api.spec.QueryOffset;
import dev.fovea.api.spec.RotarySpec;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.IntBinaryOperator;
import org.jspecify.annotations.Nullable;

/** A logical problem, the same in every layout, selection and format, and its result from the formula in double precision. */
final class KeySourceProblem implements AutoCloseable {
    private final Backend cpu;
    private final Random random;
    private final List<Tensor> made = new ArrayList<>();
    int batch = 2;
    int queryHeads = 4;
    int keyHeads = 2;
    int valueHeads = 2;
    int dim = 24;
    int valueDim = 40;
    int pageSize = 16;
    DType storage = DType.F32;
    KvFormat format = KvFormat.F32;
    Layout layout = Layout.DENSE;
    Selection selection = Selection.ALL;
    boolean packed;
    boolean positions;
    boolean causal;
    boolean alibi;
    boolean stripes;
    boolean sink;
    boolean tablePerHead;
    boolean lengthsPerHead;
    int queryBlock = 4;
    int keyBlock = 8;
    int listHeads = 1;
    KeySource.@Nullable Rotary rotary;

    /** Keys at the end that no query may see under a causal mask, with a rotary embedding. */
    int behind;

    int[] queryLengths = {5, 5};
    int[] keyLengths = {50, 50};

    /** [b][head][key][column], what the codes decode to. */
    private float[][][][] key = new float[0][][][];

    float[][][][] value = new float[0][][][];
    private float[][][][] query = new float[0][][][];
    private int[][][] kpos = new int[0][][];
    private int[][] lengths = new int[0][];
    private int[][][] lists = new int[0][][];
    private float[] sinks = new float[0];
    private float[] cosines = new float[0];
    private float[] sines = new float[0];
    float[] slopes = new float[0];
    double[] output = new double[0];
    double[] logSumExp = new double[0];

    @Nullable
    AttentionSpec spec;

    @Nullable
    AttentionArguments arguments;

    KeySourceProblem(Backend cpu, Random random) {
        this.cpu = cpu;
        this.random = random;
    }

    int mostKeys() {
        return Arrays.stream(keyLengths).max().orElse(0);
    }

    int mostQueries() {
        return Arrays.stream(queryLengths).max().orElse(0);
    }

    /** Fills in the numbers; the same for the same seed and shapes, whatever the layout. */
    void fill() {
        query = numbers(queryHeads, queryLengths, dim);
        key = numbers(keyHeads, keyLengths, dim);
        value = numbers(valueHeads, keyLengths, valueDim);
        sinks = gaussians(queryHeads);
        slopes = gaussians(queryHeads);
        for (int h = 0; h < queryHeads; h++) {
            slopes[h] *= 0.01f; // large ones make scores of thousands, which f32 rounds by more than the tolerance
        }
        lengths = new int[batch][keyHeads];
        kpos = new int[batch][keyHeads][];
        for (int b = 0; b < batch; b++) {
            for (int h = 0; h < keyHeads; h++) {
                boolean shorter = lengthsPerHead && layout != Layout.RAGGED;
                lengths[b][h] = shorter ? random.nextInt(keyLengths[b] + 1) : keyLengths[b];
                int[] p = new int[mostKeys()];
                for (int k = 0; k < p.length; k++) {
                    p[k] = positions ? k * 3 + random.nextInt(3) : k;
                }
                kpos[b][h] = p;
            }
        }
        if (rotary != null) {
            fillTables(rotary.pairs());
        }
        int blocks = Math.ceilDiv(mostQueries(), queryBlock);
        lists = new int[batch * listHeads * blocks][][];
        for (int i = 0; i < lists.length; i++) {
            int unit = selection == Selection.BLOCKS ? keyBlock : 1;
            int all = Math.ceilDiv(mostKeys(), unit);
            List<Integer> order = new ArrayList<>();
            for (int k = 0; k < all; k++) {
                order.add(k);
            }
            Collections.shuffle(order, random);
            int n = all == 0 ? 0 : random.nextInt(all + 1);
            lists[i] = new int[][] {order.stream().mapToInt(x -> x).toArray(), {n}};
        }
    }

    private void fillTables(int pairs) {
        cosines = new float[(3 * mostKeys() + mostQueries() + pageSize) * pairs];
        sines = new float[cosines.length];
        for (int i = 0; i < cosines.length; i++) {
            int position = i / pairs;
            double angle = position * Math.pow(100, -(double) (i % pairs) / pairs);
            cosines[i] = (float) Math.cos(angle);
            sines[i] = (float) Math.sin(angle);
        }
    }

    /** A row as the tables turn it. */
    private double[] turned(float[] x, int position) {
        double[] y = new double[dim];
        Arrays.setAll(y, d -> x[d]);
        int pairs = rotary == null ? 0 : rotary.pairs();
        for (int r = 0; r < pairs && rotary != null; r++) {
            boolean halves = rotary.pairing() == RotarySpec.Pairing.HALVES;
            int i = halves ? r : 2 * r;
            int j = halves ? r + pairs : 2 * r + 1;
            double cos = cosines[position * pairs + r];
            double sin = sines[position * pairs + r];
            y[i] = x[i] * cos - x[j] * sin;
            y[j] = x[j] * cos + x[i] * sin;
        }
        return y;
    }

    /** Position of the first query; the tables have no row for a negative one. */
    private int offset(int b, int keyHead) {
        int bottomRight = lengths[b][keyHead] - queryLengths[b];
        return rotary == null ? bottomRight : Math.max(0, bottomRight - behind);
    }

    private float[] gaussians(int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = HalfFloats.rounded((float) random.nextGaussian(), DType.BF16);
        }
        return x;
    }

    private float[][][][] numbers(int heads, int[] rows, int columns) {
        float[][][][] all = new float[rows.length][heads][][];
        for (int b = 0; b < rows.length; b++) {
            for (int h = 0; h < heads; h++) {
                all[b][h] = new float[rows[b]][];
                for (int r = 0; r < rows[b]; r++) {
                    all[b][h][r] = gaussians(columns);
                }
            }
        }
        return all;
    }

    private Tensor keep(Tensor t) {
        made.add(t);
        return t;
    }

    /** Puts the numbers into tensors. */
    AttentionArguments build(boolean shuffledPages) {
        int outer = layout == Layout.DENSE ? batch : 1;
        int slots =
                layout == Layout.DENSE ? mostKeys() : Arrays.stream(keyLengths).sum();
        int pagesEach = Math.ceilDiv(Math.max(1, mostKeys()), pageSize);
        int tableHeads = tablePerHead ? keyHeads : 1;
        int[] table = new int[batch * tableHeads * pagesEach];
        if (layout == Layout.PAGED) {
            outer = table.length + 3;
            slots = pageSize;
            List<Integer> pages = new ArrayList<>();
            for (int i = 0; i < outer; i++) {
                pages.add(i);
            }
            if (shuffledPages) {
                Collections.shuffle(pages, random);
            }
            Arrays.setAll(table, pages::get);
        }
        int[] starts = new int[batch + 1];
        for (int b = 0; b < batch; b++) {
            starts[b + 1] = starts[b] + keyLengths[b];
        }
        Plane k = new Plane(outer, keyHeads, slots, dim);
        Plane v = new Plane(outer, valueHeads, slots, valueDim);
        for (int b = 0; b < batch; b++) {
            for (int h = 0; h < keyHeads; h++) {
                for (int i = 0; i < keyLengths[b]; i++) {
                    int[] at = place(b, h, i, starts, table, pagesEach);
                    k.put(at[0], h, at[1], key[b][h][i]);
                }
            }
            for (int h = 0; h < valueHeads; h++) {
                for (int i = 0; i < keyLengths[b]; i++) {
                    int[] at = place(b, h, i, starts, table, pagesEach);
                    v.put(at[0], h, at[1], value[b][h][i]);
                }
            }
        }
        KeyArguments source = KeyArguments.NONE;
        KeySource spoken = new KeySource(packed, layout, selection, format, positions);
        if (format.quantised()) {
            source = source.withScales(k.scales(), k.zeros(), v.scales(), v.zeros());
        }
        if (layout == Layout.RAGGED) {
            source = source.withKeyStarts(keep(cpu.copyOf(starts, batch + 1)));
        } else if (layout == Layout.PAGED) {
            source = source.withPageTable(keep(
                    tablePerHead
                            ? cpu.copyOf(table, batch, keyHeads, pagesEach)
                            : cpu.copyOf(table, batch, pagesEach)));
        }
        int keys = layout == Layout.PAGED ? pagesEach * pageSize : mostKeys();
        if (positions) {
            int[] p = new int[batch * keyHeads * keys];
            for (int i = 0; i < p.length; i++) {
                int[] from = kpos[i / keys / keyHeads][i / keys % keyHeads];
                p[i] = i % keys < from.length ? from[i % keys] : 0;
            }
            source = source.withKeyPositions(keep(cpu.copyOf(p, batch, keyHeads, keys)));
        }
        if (selection != Selection.ALL) {
            source = source.withSelected(selected());
        }
        if (rotary != null) {
            spoken = spoken.with(rotary);
            int pairs = rotary.pairs();
            source = source.withRotary(
                    keep(cpu.copyOf(cosines, cosines.length / pairs, pairs)),
                    keep(cpu.copyOf(sines, sines.length / pairs, pairs)));
        }
        boolean keyLengthsGiven = layout != Layout.RAGGED;
        Expr mask = Expressions.constant(true);
        if (causal) {
            mask = Expressions.causal();
        }
        if (stripes) {
            mask = mask.and(Expressions.index(IndexKind.KEY)
                    .plus(Expressions.index(IndexKind.QUERY))
                    .mod(Expressions.constant(3))
                    .lessThan(Expressions.constant(2)));
        }
        Expr score = alibi ? Expressions.score().plus(Expressions.alibi()) : Expressions.score();
        spec = new AttentionSpec(
                        storage,
                        dim,
                        valueDim,
                        queryHeads,
                        keyHeads,
                        valueHeads,
                        Expressions.score(),
                        score,
                        mask,
                        rotary == null ? QueryOffset.BOTTOM_RIGHT : QueryOffset.GIVEN,
                        sink,
                        false,
                        keyLengthsGiven,
                        true,
                        Optional.empty())
                .with(spoken);
        Map<String, Tensor> captures = new HashMap<>();
        if (alibi) {
            captures.put(Expressions.ALIBI, keep(cpu.copyOf(slopes, queryHeads)));
        }
        int rows = packed ? Arrays.stream(queryLengths).sum() : mostQueries();
        Tensor q = queryTensor(rows);
        if (packed) {
            int[] cut = new int[batch + 1];
            for (int b = 0; b < batch; b++) {
                cut[b + 1] = cut[b] + queryLengths[b];
            }
            source = source.withQueryStarts(keep(cpu.copyOf(cut, batch + 1)));
        }
        long first = packed ? 1 : batch;
        arguments = new AttentionArguments(
                        q,
                        k.tensor(),
                        v.tensor(),
                        keep(cpu.allocate(storage, first, queryHeads, rows, valueDim)),
                        0.2f,
                        null,
                        null,
                        keyLengthsGiven ? lengthTensor() : null,
                        rotary == null ? null : perHead(this::offset),
                        sink ? keep(cpu.copyOf(sinks, queryHeads)) : null,
                        keep(cpu.allocate(DType.F32, first, queryHeads, rows)),
                        null,
                        captures,
                        Map.of())
                .with(source);
        return arguments;
    }

    private int[] place(int b, int head, int i, int[] starts, int[] table, int pagesEach) {
        return switch (layout) {
            case DENSE -> new int[] {b, i};
            case RAGGED -> new int[] {0, starts[b] + i};
            case PAGED -> {
                int row = tablePerHead ? b * keyHeads + head : b;
                yield new int[] {table[row * pagesEach + i / pageSize], i % pageSize};
            }
        };
    }

    private Tensor lengthTensor() {
        return perHead((b, h) -> lengths[b][h]);
    }

    private Tensor perHead(IntBinaryOperator of) {
        int[] all = new int[batch * keyHeads];
        Arrays.setAll(all, i -> of.applyAsInt(i / keyHeads, i % keyHeads));
        return keep(cpu.copyOf(all, batch, keyHeads));
    }

    private Tensor queryTensor(int rows) {
        int outer = packed ? 1 : batch;
        float[] all = new float[outer * queryHeads * rows * dim];
        int start = 0;
        for (int b = 0; b < batch; b++) {
            for (int h = 0; h < queryHeads; h++) {
                for (int i = 0; i < queryLengths[b]; i++) {
                    int row = ((packed ? 0 : b) * queryHeads + h) * rows + start + i;
                    System.arraycopy(query[b][h][i], 0, all, row * dim, dim);
                }
            }
            start += packed ? queryLengths[b] : 0;
        }
        return keep(cpu.copyOf(all, storage, outer, queryHeads, rows, dim));
    }

    private KeyArguments.Selected selected() {
        int blocks = Math.ceilDiv(mostQueries(), queryBlock);
        int n = lists.length == 0 ? 0 : lists[0][0].length;
        int[] all = new int[lists.length * n];
        int[] counts = new int[lists.length];
        for (int i = 0; i < lists.length; i++) {
            System.arraycopy(lists[i][0], 0, all, i * n, n);
            counts[i] = lists[i][1][0];
        }
        return new KeyArguments.Selected(
                keep(cpu.listsOf(all, counts, batch, listHeads, blocks, n)),
                keep(cpu.copyOf(counts, batch, listHeads, blocks)),
                queryBlock,
                selection == Selection.BLOCKS ? keyBlock : 1);
    }

    /** Which keys the list of a query holds. */
    private boolean[] listed(int b, int h, int q) {
        boolean[] held = new boolean[mostKeys()];
        if (selection == Selection.ALL) {
            Arrays.fill(held, true);
            return held;
        }
        int blocks = Math.ceilDiv(mostQueries(), queryBlock);
        int listHead = h / (queryHeads / listHeads);
        int[][] list = lists[(b * listHeads + listHead) * blocks + q / queryBlock];
        int unit = selection == Selection.BLOCKS ? keyBlock : 1;
        for (int i = 0; i < list[1][0]; i++) {
            int from = list[0][i] * unit;
            Arrays.fill(held, from, Math.min(from + unit, held.length), true);
        }
        return held;
    }

    /** The result of the formula, in the shape of the output. */
    void solve() {
        int rows = packed ? Arrays.stream(queryLengths).sum() : mostQueries();
        output = new double[(packed ? 1 : batch) * queryHeads * rows * valueDim];
        logSumExp = new double[output.length / valueDim];
        int start = 0;
        for (int b = 0; b < batch; b++) {
            for (int h = 0; h < queryHeads; h++) {
                int hk = h / (queryHeads / keyHeads);
                double[][] keys = new double[lengths[b][hk]][];
                for (int k = 0; k < keys.length; k++) {
                    keys[k] = turned(key[b][hk][k], kpos[b][hk][k]);
                }
                for (int i = 0; i < queryLengths[b]; i++) {
                    row(b, h, i, keys, ((packed ? 0 : b) * queryHeads + h) * rows + start + i);
                }
            }
            start += packed ? queryLengths[b] : 0;
        }
    }

    private void row(int b, int h, int q, double[][] keys, int at) {
        int hk = h / (queryHeads / keyHeads);
        int hv = h / (queryHeads / valueHeads);
        int qpos = q + offset(b, hk);
        boolean[] listed = listed(b, h, q);
        double[] turnedQuery = turned(query[b][h][q], qpos);
        double[] s = new double[keys.length];
        double max = sink ? sinks[h] : Double.NEGATIVE_INFINITY;
        for (int k = 0; k < s.length; k++) {
            int p = kpos[b][hk][k];
            boolean visible = listed[k] && (!causal || p <= qpos) && (!stripes || (k + q) % 3 < 2);
            s[k] = visible
                    ? 0.2f * dot(turnedQuery, keys[k]) - (alibi ? slopes[h] * Math.abs((double) qpos - p) : 0)
                    : Double.NEGATIVE_INFINITY;
            max = Math.max(max, s[k]);
        }
        double sum = sink ? Math.exp(sinks[h] - max) : 0;
        double[] o = new double[valueDim];
        for (int k = 0; k < s.length; k++) {
            if (s[k] != Double.NEGATIVE_INFINITY) {
                double weight = Math.exp(s[k] - max);
                sum += weight;
                addScaled(o, weight, value[b][hv][k]);
            }
        }
        logSumExp[at] = max + Math.log(sum);
        for (int d = 0; d < valueDim; d++) {
            output[at * valueDim + d] = sum == 0 ? 0 : o[d] / sum;
        }
    }

    private static double dot(double[] x, double[] y) {
        double sum = 0;
        for (int d = 0; d < x.length; d++) {
            sum += x[d] * y[d];
        }
        return sum;
    }

    private static void addScaled(double[] sum, double factor, float[] row) {
        for (int d = 0; d < sum.length; d++) {
            sum[d] += factor * row[d];
        }
    }

    @Override
    public void close() {
        made.forEach(Tensor::close);
    }

    /** Storage of keys or values; what it rounds, it rounds in the problem's numbers too. */
    private final class Plane {
        private final int heads;
        private final int slots;
        private final int columns;
        private final int outer;
        private final float[] floats;
        private final byte[] bytes;
        private final float[] scaleOf;
        private final float[] zeroOf;
        private final float[] pageScale;

        Plane(int outer, int heads, int slots, int columns) {
            this.outer = outer;
            this.heads = heads;
            this.slots = slots;
            this.columns = columns;
            int rows = outer * heads * slots;
            this.floats = new float[rows * columns];
            Arrays.fill(floats, Float.NaN); // what no sequence has must not be looked at
            this.bytes = new byte[rows * format.elements(columns)];
            this.scaleOf = new float[rows];
            this.zeroOf = new float[rows];
            this.pageScale = new float[outer * heads];
            for (int i = 0; i < pageScale.length; i++) {
                pageScale[i] = 0.5f + i % 5 * 0.25f;
            }
        }

        void put(int o, int h, int slot, float[] x) {
            int row = (o * heads + h) * slots + slot;
            if (!format.quantised()) {
                System.arraycopy(x, 0, floats, row * columns, columns);
                return;
            }
            int width = format.elements(columns);
            if (format == KvFormat.FP8) {
                float scale = pageScale[o * heads + h];
                for (int d = 0; d < columns; d++) {
                    bytes[row * width + d] = Fp8.of(x[d] / scale);
                    x[d] = Fp8.toFloat(bytes[row * width + d]) * scale;
                }
                return;
            }
            scaleOf[row] = HalfFloats.rounded(0.013f + slot % 3 * 0.01f, DType.F16) * (format == KvFormat.INT4 ? 8 : 1);
            zeroOf[row] = format == KvFormat.INT4 ? 7 : slot % 5 - 2;
            for (int d = 0; d < columns; d++) {
                int least = format == KvFormat.INT4 ? 0 : -128;
                int most = format == KvFormat.INT4 ? 15 : 127;
                int q = Math.clamp(Math.round(x[d] / scaleOf[row]) + (int) zeroOf[row], least, most);
                if (format == KvFormat.INT4) {
                    bytes[row * width + d / 2] |= (byte) (q << d % 2 * 4);
                } else {
                    bytes[row * width + d] = (byte) q;
                }
                x[d] = scaleOf[row] * (q - zeroOf[row]);
            }
        }

        Tensor tensor() {
            if (format.quantised()) {
                MemorySegment data = MemorySegment.ofArray(bytes);
                return keep(cpu.copyOf(data, DType.BYTE, outer, heads, slots, format.elements(columns)));
            }
            return keep(cpu.copyOf(floats, format.dtype(), outer, heads, slots, columns));
        }

        Tensor scales() {
            return keep(
                    format == KvFormat.FP8
                            ? cpu.copyOf(pageScale, outer, heads)
                            : cpu.copyOf(scaleOf, DType.F16, outer, heads, slots));
        }

        @Nullable
        Tensor zeros() {
            return format == KvFormat.FP8 ? null : keep(cpu.copyOf(zeroOf, DType.F16, outer, heads, slots));
        }
    }
}
