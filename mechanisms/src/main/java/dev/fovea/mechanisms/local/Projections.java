package dev.fovea.mechanisms.local;

import dev.fovea.api.Attention;
import dev.fovea.api.Operations;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Linear;

/**
 * The four linear layers around multi-head attention.
 *
 * @param weights [4, C, C] of query, key, value and output
 * @param biases [4, C]
 * @param heads a divisor of C
 */
record Projections(Operations ops, Tensor weights, Tensor biases, int heads) {
    static final int QUERY = 0;
    static final int KEY = 1;
    static final int VALUE = 2;
    static final int OUTPUT = 3;

    /** Tokens [B, S, C] through one of the layers. */
    Tensor of(Tensor x, int layer) {
        return Linear.of(ops, x, ops.own(weights.select(0, layer)), ops.own(biases.select(0, layer)));
    }

    /** Tokens [B, S, C] as heads [B, H, S, C / H]. */
    Tensor headsOf(Tensor x, int layer) {
        return ops.splitHeads(of(x, layer), heads);
    }

    /** Attention of tokens [B, S, C] to others, through all four layers. */
    Tensor attend(Tensor x, Tensor others) {
        Tensor o = ops.attend(headsOf(x, QUERY), headsOf(others, KEY), headsOf(others, VALUE), Attention.full());
        return of(ops.joinHeads(o), OUTPUT);
    }

    /** Attention of tokens [B, height * width, C] within blocks; a block that reaches beyond the grid has tokens of zeros there. */
    Tensor attend(Tensor x, Blocks blocks) {
        long channels = x.size(2);
        long pixels = (long) blocks.size() * blocks.size();
        Tensor picked = ops.gather(x, blocks.points(0), 0);
        Tensor block = ops.reshape(picked, x.size(0) * blocks.count(), pixels, channels);
        Tensor attended = ops.reshape(attend(block, block), x.size(0), blocks.count() * pixels, channels);
        return ops.gather(attended, blocks.places(), 0);
    }
}
