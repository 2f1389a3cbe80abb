package dev.fovea.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** Vector kernels that plain loops stand in for until they are compiled, each by itself. */
final class WarmingKernels implements Kernels {
    /** Rows and columns of a trial: the compiler counts steps, and with few of them a call it gets to know the whole kernel soon. */
    private static final int SIZE = 32;

    private final VectorKernels vectors;
    private final PlainKernels plain;
    private final TileOps ops = new WarmingTileOps();
    private final Warming<Kernels> scores;
    private final Warming<Kernels> top;
    private final Warming<Kernels> softmax;
    private final Warming<Kernels> naturalSoftmax;
    private final Warming<Kernels> exponentials;
    private final Warming<Kernels> accumulate;
    private final Warming<Kernels> band;
    private final Warming<Kernels> nan;

    WarmingKernels(VectorKernels vectors) {
        this.vectors = vectors;
        this.plain = new PlainKernels(vectors);
        int lanes = vectors.lanes();
        int keyPitch = vectors.keyPitch(SIZE);
        int pitch = vectors.valuePitch(SIZE);
        float[] a = new float[SIZE * Math.max(keyPitch, pitch)];
        float[] b = new float[SIZE * lanes];
        float[] c = new float[SIZE * lanes];
        float[] top = new float[lanes];
        float[] max = new float[lanes];
        float[] sum = new float[lanes];
        float[] factor = new float[lanes];
        int[] low = new int[lanes];
        int[] high = new int[lanes];
        Arrays.fill(high, SIZE);
        this.scores = warming(k -> k.scores(a, 0, SIZE, keyPitch, SIZE, b, c, top));
        this.top = warming(k -> k.top(c, SIZE, top));
        this.softmax = warming(k -> k.softmax(c, SIZE, false, top, max, sum, factor));
        this.naturalSoftmax = warming(k -> k.softmax(c, SIZE, true, top, max, sum, factor));
        this.exponentials = warming(k -> k.exponentials(b, SIZE, true, max, factor, c));
        this.accumulate = warming(k -> k.accumulate(a, 0, SIZE, pitch, SIZE, b, factor, c));
        this.band = warming(k -> k.band(c, SIZE, 0, low, high));
        this.nan = warming(k -> k.hasNan(c, SIZE * lanes));
    }

    /** Whether the kernels of small blocks are compiled; the tiles that stand in for them are those of few rows. */
    static BooleanSupplier small(VectorKernels narrow) {
        PlainKernels plain = new PlainKernels(narrow);
        int lanes = narrow.lanes();
        float[] rows = new float[SIZE * VectorSmallKernels.PITCH];
        float[] queries = new float[SIZE * lanes];
        float[] s = new float[SIZE * lanes];
        float[] output = new float[SIZE * lanes];
        float[] some = new float[lanes];
        MemorySegment memory = Arena.ofAuto().allocate(4L * SIZE * SIZE, 64);
        Warming<Boolean> warming = new Warming<>(false, true, vectors -> {
            if (vectors) {
                VectorSmallKernels.copy(memory, 0, 4L * SIZE, SIZE, SIZE, rows, 0);
                VectorSmallKernels.toLanes(memory, new long[lanes], SIZE, 1, output, queries);
                VectorSmallKernels.scores(rows, SIZE, SIZE, queries, s, some);
                VectorSmallKernels.softmax(s, SIZE, some, some, some);
                VectorSmallKernels.values(memory, 0, 4L * SIZE, SIZE, SIZE, s, some, output, some);
            } else {
                plain.scores(rows, 0, SIZE, VectorSmallKernels.PITCH, SIZE, queries, s, some);
                plain.accumulate(rows, 0, SIZE, VectorSmallKernels.PITCH, SIZE, s, some, output);
            }
        });
        return warming::kernel;
    }

    private Warming<Kernels> warming(Consumer<Kernels> trial) {
        return new Warming<>(plain, vectors, trial);
    }

    @Override
    public int lanes() {
        return vectors.lanes();
    }

    @Override
    public int keyStep() {
        return vectors.keyStep();
    }

    @Override
    public int channelStep() {
        return vectors.channelStep();
    }

    @Override
    public int keyPitch(int columns) {
        return vectors.keyPitch(columns);
    }

    @Override
    public int valuePitch(int channels) {
        return vectors.valuePitch(channels);
    }

    @Override
    public void scores(float[] k, int k0, int keys, int pitch, int dim, float[] qt, float[] s, float[] top) {
        scores.kernel().scores(k, k0, keys, pitch, dim, qt, s, top);
    }

    @Override
    public void top(float[] s, int keys, float[] to) {
        top.kernel().top(s, keys, to);
    }

    @Override
    public void softmax(float[] s, int keys, boolean natural, float[] top, float[] max, float[] sum, float[] rescale) {
        Kernels now = natural ? naturalSoftmax.kernel() : softmax.kernel();
        now.softmax(s, keys, natural, top, max, sum, rescale);
    }

    @Override
    public void exponentials(float[] s, int keys, boolean natural, float[] max, float[] factor, float[] p) {
        exponentials.kernel().exponentials(s, keys, natural, max, factor, p);
    }

    @Override
    public void accumulate(
            float[] v, int v0, int keys, int pitch, int channels, float[] s, float[] rescale, float[] o) {
        accumulate.kernel().accumulate(v, v0, keys, pitch, channels, s, rescale, o);
    }

    @Override
    public void band(float[] s, int keys, int key0, int[] low, int[] high) {
        band.kernel().band(s, keys, key0, low, high);
    }

    @Override
    public boolean hasNan(float[] a, int n) {
        return nan.kernel().hasNan(a, n);
    }

    @Override
    public Halves halves() {
        return vectors.halves();
    }

    @Override
    public Codes codes() {
        return vectors.codes();
    }

    @Override
    public TileOps ops() {
        return ops;
    }
}
