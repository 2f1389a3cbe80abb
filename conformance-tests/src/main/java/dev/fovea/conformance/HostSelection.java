package dev.fovea.conformance;

/**
 * Lists of keys or key blocks; shapes as in {@link dev.fovea.api.spec.KeyArguments.Selected}.
 *
 * @param lists I32 [B or 1, Hq, Hk or 1, query blocks, n]
 * @param counts I32 [B or 1, Hq, Hk or 1, query blocks]
 */
public record HostSelection(HostTensor lists, HostTensor counts, int queryBlock, int keyBlock) {
    /** Marks the keys that the list of a query holds. */
    void mark(int b, int head, int keyHead, int queryHeads, int q, boolean[] seen) {
        int lb = lists.size(0) == 1 ? 0 : b;
        int lh = lists.size(1) == 1 ? 0 : lists.size(1) == queryHeads ? head : keyHead;
        int block = q / queryBlock;
        for (int i = 0; i < counts.at(lb, lh, block); i++) {
            int from = (int) lists.at(lb, lh, block, i) * keyBlock;
            for (int k = Math.max(0, from); k < Math.min(from + keyBlock, seen.length); k++) {
                seen[k] = true;
            }
        }
    }
}
