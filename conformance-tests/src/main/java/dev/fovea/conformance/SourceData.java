package dev.fovea.conformance;

import dev.fovea.api.DType;
import dev.fovea.api.spec.KeySource;
import dev.fovea.api.spec.KvFormat;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Makes what a case says about where queries, keys and values are. */
final class SourceData {
    private final AttentionCase c;
    private final AttentionCase.Source s;
    private final KvFormat format;
    private final SplittableRandom random;

    SourceData(AttentionCase c, SplittableRandom random) {
        this.c = c;
        this.s = c.source();
        this.format = s.kv().format(c.dtype());
        this.random = random;
    }

    /** Keys or values in their type; quantised ones stay F32 until {@link #quantised}. */
    HostTensor stored(double[] values, int heads, int dim) {
        DType type = format.quantised() ? DType.F32 : format.dtype();
        return new HostTensor(type, values, c.b(), heads, c.sk(), dim);
    }

    HostSource source() {
        return new HostSource(
                s.packed() ? queryLengths() : null,
                s.page(),
                s.layout() == KeySource.Layout.PAGED && c.hk() == c.hv() && c.seed() % 2 == 1,
                s.positions() ? positions() : null,
                s.select() == KeySource.Selection.ALL ? null : selection(),
                null,
                null,
                s.rotary() == AttentionCase.Turn.NONE ? null : table(true),
                s.rotary() == AttentionCase.Turn.NONE ? null : table(false));
    }

    /** Cosines or sines of every position that keys and queries of any case can have. */
    private HostTensor table(boolean cosines) {
        int rows = 2 * (c.sq() + c.sk() + c.past()) + 2 + s.page(); // a table of pages may hold up to a page more
        int pairs = s.rotary(c.d()).orElseThrow().pairs();
        double[] x = new double[rows * pairs];
        for (int i = 0; i < x.length; i++) {
            int position = i / pairs;
            double angle = position * Math.pow(100, -(double) (i % pairs) / pairs);
            x[i] = cosines ? Math.cos(angle) : Math.sin(angle);
        }
        return new HostTensor(DType.F32, x, rows, pairs);
    }

    private HostTensor queryLengths() {
        double[] x = new double[c.b()];
        for (int b = 0; b < x.length; b++) {
            x[b] = b == 0 ? c.sq() : random.nextInt(c.sq() + 1);
        }
        return new HostTensor(DType.I32, x, c.b());
    }

    private HostTensor positions() {
        boolean perHead = c.seed() % 2 == 0;
        double[] x = new double[c.b() * (perHead ? c.hk() : 1) * c.sk()];
        Arrays.setAll(x, i -> random.nextInt(2 * c.sk() + 1));
        return perHead
                ? new HostTensor(DType.I32, x, c.b(), c.hk(), c.sk())
                : new HostTensor(DType.I32, x, c.b(), c.sk());
    }

    private HostSelection selection() {
        boolean tokens = s.select() == KeySource.Selection.TOKENS;
        int keyBlock = tokens ? 1 : s.kblock();
        int choices = Math.ceilDiv(c.sk(), keyBlock);
        int n = choices == 0 ? 0 : choices / 2 + 1;
        int batch = c.seed() % 2 == 0 ? 1 : c.b();
        int heads = new int[] {c.hq(), c.hk(), 1}[(int) (c.seed() % 3)];
        int blocks = Math.ceilDiv(c.sq(), s.qblock());
        double[] lists = new double[batch * heads * blocks * n];
        double[] counts = new double[batch * heads * blocks];
        for (int i = 0; i < counts.length; i++) {
            int count = random.nextInt(5) == 0 ? 0 : random.nextInt(n + 1);
            counts[i] = count;
            int[] order = shuffled(choices);
            for (int k = 0; k < count; k++) {
                lists[i * n + k] = order[k];
            }
        }
        return new HostSelection(
                new HostTensor(DType.I32, lists, batch, heads, blocks, n),
                new HostTensor(DType.I32, counts, batch, heads, blocks),
                s.qblock(),
                keyBlock);
    }

    private int[] shuffled(int n) {
        int[] order = new int[n];
        for (int i = 0; i < n; i++) {
            int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }

    /** The problem with its keys and values quantised, if the case says so. */
    HostProblem quantised(HostProblem p) {
        if (!format.quantised()) {
            return p;
        }
        QuantisedRows k = encoded(p.key());
        QuantisedRows v = encoded(p.value());
        HostSource o = p.source();
        return p.withKeys(
                k.decoded(),
                v.decoded(),
                new HostSource(
                        o.queryLengths(),
                        o.pageSize(),
                        o.pagesPerHead(),
                        o.positions(),
                        o.selected(),
                        k,
                        v,
                        o.cosines(),
                        o.sines()));
    }

    private QuantisedRows encoded(HostTensor rows) {
        if (format != KvFormat.FP8) {
            return QuantisedRows.integers(format, rows);
        }
        int pageRows = s.layout() == KeySource.Layout.PAGED ? s.page() : Math.max(1, c.sk());
        int heads = rows.size(1);
        int pages = Math.ceilDiv(c.sk(), pageRows);
        double[] scales =
                new double[Math.max(1, s.layout() == KeySource.Layout.RAGGED ? heads : c.b() * heads * pages)];
        Arrays.setAll(scales, i -> (float) Math.pow(2, random.nextInt(3) - 6) * 1.25f);
        return QuantisedRows.fp8(rows, scales, pageRows);
    }

    /** The numbers of a permutation of pages with some to spare. */
    static int[] pages(int used, int spare, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int[] order = new int[used + spare];
        for (int i = 0; i < order.length; i++) {
            int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }
}
