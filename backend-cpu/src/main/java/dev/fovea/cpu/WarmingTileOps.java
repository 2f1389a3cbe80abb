package dev.fovea.cpu;

/** The vector operations, of which plain loops stand in for those that all attention needs until they are compiled. */
final class WarmingTileOps extends VectorTileOps {
    private static final int SIZE = 32;

    private final Warming<TileOps> toLanes;
    private final Warming<TileOps> fromLanes;

    WarmingTileOps() {
        TileOps plain = new TileOps();
        TileOps vectors = new VectorTileOps();
        float[] rows = new float[SIZE * SIZE];
        float[] lanes = new float[SIZE * SIZE];
        float[] factor = new float[SIZE];
        this.toLanes = new Warming<>(plain, vectors, o -> o.toLanesFloat(rows, SIZE, 1, lanes, SIZE));
        this.fromLanes = new Warming<>(plain, vectors, o -> o.fromLanesFloat(lanes, SIZE, factor, rows, SIZE));
    }

    @Override
    void toLanesFloat(float[] rows, int keys, float factor, float[] lanes, int count) {
        toLanes.kernel().toLanesFloat(rows, keys, factor, lanes, count);
    }

    @Override
    void fromLanesFloat(float[] lanes, int count, float[] factor, float[] rows, int dim) {
        fromLanes.kernel().fromLanesFloat(lanes, count, factor, rows, dim);
    }
}
