package dev.fovea.kernels;

/**
 * What a device leaves for tiles of the attention kernel.
 *
 * @param localBytes local memory that a work-group can have
 * @param workItems of a work-group
 * @param registers 32-bit ones that a work-item can have
 * @param nativeExp2 whether its native_exp2 is known to have a relative error of 2^-22 at most, 0 for -inf and NaN for NaN
 * @param copiesAhead whether copies to local memory can go on while something else is computed
 */
public record TileLimits(long localBytes, long workItems, int registers, boolean nativeExp2, boolean copiesAhead) {
    /** What every device has. */
    public static final TileLimits LEAST = new TileLimits(32 << 10, 32, 64, false, false);

    /** Besides accumulators: operands, what is under way from memory, maxima and sums of rows, addresses. */
    private static final int OTHER_REGISTERS = 60;

    boolean allow(AttentionTile tile) {
        return tile.localBytes() <= localBytes
                && tile.workItems() <= workItems
                && tile.accumulators() + OTHER_REGISTERS <= registers;
    }

    /** Whether a tile can be copied ahead without leaving room for fewer work-groups side by side. */
    boolean allowAhead(AttentionTile tile) {
        AttentionTile ahead = tile.copiedAhead();
        return ahead.isPossible() && allow(ahead) && localBytes / ahead.localBytes() == localBytes / tile.localBytes();
    }
}
