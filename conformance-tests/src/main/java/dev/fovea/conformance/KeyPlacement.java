package dev.fovea.conformance;

import dev.fovea.api.spec.KeySource.Layout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Where the keys of a problem lie on the device: outer index and row of a tensor [outer, H, rows, D]. Pages are dealt out in random
 * order, with some to spare.
 */
final class KeyPlacement {
    private final HostProblem p;
    private final Layout layout;
    private final int pageSize;
    private final int tableWidth;
    private final int tableHeads;
    private final int[] table;
    private final int[] starts;
    private final int outer;
    private final int rows;

    KeyPlacement(HostProblem p, long seed) {
        this.p = p;
        this.layout = p.spec().source().layout();
        this.pageSize = Math.max(1, p.source().pageSize());
        this.tableWidth = Math.ceilDiv(p.keys(), pageSize);
        this.tableHeads = p.source().pagesPerHead() ? p.spec().keyHeads() : 1;
        this.starts = new int[p.batch() + 1];
        for (int b = 0; b < p.batch(); b++) {
            starts[b + 1] = starts[b] + p.keyLength(b, 0);
        }
        int used = p.batch() * tableHeads * tableWidth;
        this.table = Arrays.copyOf(SourceData.pages(used, 3, seed), used);
        this.outer = switch (layout) {
            case DENSE -> p.batch();
            case RAGGED -> 1;
            case PAGED -> used + 3;
        };
        this.rows = switch (layout) {
            case DENSE -> p.keys() - p.pastKeys();
            case RAGGED -> starts[p.batch()];
            case PAGED -> pageSize;
        };
    }

    int outer() {
        return outer;
    }

    int rows() {
        return rows;
    }

    /** Keys that the arguments say a sequence can have. */
    int capacity() {
        return layout == Layout.PAGED ? tableWidth * pageSize : p.keys();
    }

    /** {@code outer * rows + row} of a key; -1 where the device has none. */
    int slot(int b, int keyHead, int k) {
        return switch (layout) {
            case DENSE -> b * rows + k;
            case RAGGED -> k < p.keyLength(b, 0) ? starts[b] + k : -1;
            case PAGED -> {
                int head = tableHeads == 1 ? 0 : keyHead;
                yield table[(b * tableHeads + head) * tableWidth + k / pageSize] * pageSize + k % pageSize;
            }
        };
    }

    int @Nullable [] starts() {
        return layout == Layout.RAGGED ? starts : null;
    }

    int @Nullable [] table() {
        return layout == Layout.PAGED ? table : null;
    }

    long[] tableShape() {
        return tableHeads == 1 ? new long[] {p.batch(), tableWidth} : new long[] {p.batch(), tableHeads, tableWidth};
    }
}
