package dev.fovea.cpu;

import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spec.KeyArguments.Selected;
import dev.fovea.cpu.Scratch.Role;

/** The lists of a run that say which keys a block of queries may see. */
final class KeySelection {
    private final Strided lists;
    private final Strided counts;
    private final int keyBlock;
    private final int headsOfAList;

    /** Queries that share a list. */
    final int queryBlock;

    /** Whether each query head has lists of its own, so that no two of them can share a tile of keys. */
    final boolean perQueryHead;

    KeySelection(AttentionSpec spec, Selected s) {
        this.lists = Strided.of(s.lists());
        this.counts = Strided.of(s.counts());
        this.queryBlock = s.queryBlock();
        this.keyBlock = s.keyBlock();
        int heads = Math.toIntExact(s.lists().size(1));
        this.perQueryHead = heads == spec.queryHeads() && heads > spec.keyHeads();
        this.headsOfAList = heads == 1 ? spec.queryHeads() : spec.queryHeads() / heads;
    }

    /** Most keys of a list. */
    long size(int batch, int head, int block) {
        return (long) counts.intAt(batch, head / headsOfAList, block, 0) * keyBlock;
    }

    /** The keys of a list that the sequence has. */
    KeyList keys(int batch, int head, int block, int keyLength, Scratch scratch) {
        int h = head / headsOfAList;
        int n = counts.intAt(batch, h, block, 0);
        int[] list = scratch.ints(Role.LIST, n);
        lists.read(lists.at(batch, h, block, 0), list, 0, n);
        int most = (int) Math.min((long) n * keyBlock, keyLength); // no key twice
        int[] keys = scratch.ints(Role.SELECTED, most);
        int count = 0;
        for (int i = 0; i < n; i++) {
            long first = (long) list[i] * keyBlock;
            for (long k = first; k < first + keyBlock && k < keyLength; k++) {
                keys[count++] = (int) k;
            }
        }
        return new KeyList(keys, count);
    }
}
