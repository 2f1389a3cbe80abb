package dev.fovea.cpu;

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

    Place(int lanes) {
        heads = new int[lanes];
        queries = new int[lanes];
    }
}
