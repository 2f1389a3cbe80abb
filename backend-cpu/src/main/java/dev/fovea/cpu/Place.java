package dev.fovea.cpu;

import org.jspecify.annotations.Nullable;

/** Where in the problem the tiles of a block of query rows are; what the indices of expressions mean there. */
final class Place {
    int batch;
    int keyHead;
    int keyLength;
    int queryOffset;
    int queryLength;

    /** Query head of each lane. */
    final int[] heads;

    /** Query index of each lane; lanes without a row repeat the last one. */
    final int[] queries;

    /** First key of the tile. */
    int key;

    /** First column of a tile of elements. */
    int column;

    /** Index of each key of the tile; null where they follow each other from the first on. */
    int @Nullable [] keys;

    /** Position of each key of the tile; null where it is the index of one that follows from the first. */
    int @Nullable [] positions;

    Place(int lanes) {
        heads = new int[lanes];
        queries = new int[lanes];
    }
}
