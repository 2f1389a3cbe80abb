package dev.fovea.api.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.FoveaException.OutOfPages;
import dev.fovea.api.spec.KvFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The books of a cache by hand; random walks are in the conformance tests. */
class CacheLedgerTest {
    private final CacheLedger ledger = new CacheLedger(CacheShape.of(6, 4, 2, 8, KvFormat.F32));

    private void append(KvSequence s, int n) {
        ledger.append(List.of(s), new int[] {n}).commit();
    }

    @Test
    void theFirstWriteToASharedPageCopiesItAndTheLastSharerWritesInPlace() {
        KvSequence a = ledger.create();
        append(a, 6);
        KvSequence b = ledger.fork(a);
        assertThat(ledger.freePages()).isEqualTo(4);
        LedgerChange change = ledger.append(List.of(a, b), new int[] {1, 1});
        assertThat(change.moved().from()).isDeepEqualTo(new int[][] {{4, 5}});
        assertThat(change.moved().to()).isDeepEqualTo(new int[][] {{8, 9}});
        assertThat(change.targets()).isDeepEqualTo(new int[][] {{10, 6}});
        change.commit();
        assertThat(ledger.freePages()).isEqualTo(3);
        append(a, 1);
        append(b, 1);
        assertThat(ledger.freePages()).as("each has its own last page now").isEqualTo(3);
        ledger.drop(a);
        assertThat(ledger.freePages()).isEqualTo(4);
        ledger.drop(b);
        assertThat(ledger.freePages()).isEqualTo(6);
    }

    @Test
    void aFullSharedPageIsNotCopied() {
        KvSequence a = ledger.create();
        append(a, 4);
        KvSequence b = ledger.fork(a);
        LedgerChange change = ledger.append(List.of(b), new int[] {1});
        assertThat(change.moved().isEmpty()).isTrue();
        change.commit();
        assertThat(ledger.freePages()).isEqualTo(4);
    }

    @Test
    void outOfPagesSaysHowManyLackAndChangesNothing() {
        KvSequence a = ledger.create();
        append(a, 10);
        assertThatThrownBy(() -> append(a, 15)).isInstanceOfSatisfying(OutOfPages.class, e -> {
            assertThat(e.needed()).isEqualTo(4);
            assertThat(e.free()).isEqualTo(3);
            assertThat(e.total()).isEqualTo(6);
            assertThat(e.head()).isEqualTo(-1);
            assertThat(e).hasMessageContaining("drop, truncate or compact");
        });
        assertThat(ledger.freePages()).isEqualTo(3);
        assertThat(a.length()).isEqualTo(10);
        append(a, 14);
        assertThat(ledger.freePages()).isZero();
    }

    @Test
    void compactionMovesWhatMustAndKeepsPositions() {
        KvSequence a = ledger.create();
        append(a, 10);
        LedgerChange change = ledger.compact(a, new int[][] {{0, 1, 2, 3, 6, 9}});
        assertThat(change.moved().from()).isDeepEqualTo(new int[][] {{6, 9}});
        assertThat(change.moved().to()).isDeepEqualTo(new int[][] {{4, 5}});
        change.commit();
        assertThat(ledger.freePages()).isEqualTo(4);
        assertThat(a.positions(1)).containsExactly(0, 1, 2, 3, 6, 9);
        assertThat(a.nextPosition()).isEqualTo(10);
        assertThat(a.generation()).isEqualTo(1);
        append(a, 1);
        assertThat(a.positions(0)).endsWith(9, 10);
        ledger.truncate(a, 7);
        assertThat(a.positions(0)).containsExactly(0, 1, 2, 3, 6);
        assertThat(a.nextPosition()).isEqualTo(7);
    }

    @Test
    void headsRunOutOfPagesAlone() {
        CacheLedger heads =
                new CacheLedger(CacheShape.of(3, 2, 2, 8, KvFormat.F32).withHeadTables());
        KvSequence a = heads.create();
        heads.append(List.of(a), new int[] {6}).commit();
        heads.compact(a, new int[][] {{0, 5}, {0, 1, 2, 3, 4, 5}}).commit();
        assertThat(a.length(0)).isEqualTo(2);
        assertThat(a.length(1)).isEqualTo(6);
        assertThatThrownBy(() -> heads.append(List.of(a), new int[] {1}))
                .isInstanceOfSatisfying(
                        OutOfPages.class, e -> assertThat(e.head()).isEqualTo(1));
        assertThat(a.length(0)).isEqualTo(2);
        assertThatThrownBy(() -> heads.compact(a, new int[][] {{0}})).isInstanceOf(InvalidArgument.class);
    }

    @Test
    void theMemoryFigureCountsScales() {
        assertThat(CacheShape.of(10, 16, 2, 64, KvFormat.F16).bytes()).isEqualTo(10 * 2 * 16 * 2 * (64 + 64));
        assertThat(CacheShape.of(10, 16, 2, 65, KvFormat.INT4).bytes()).isEqualTo(2 * 10 * 2 * 16 * (33 + 4));
        assertThat(CacheShape.of(10, 16, 2, 64, KvFormat.FP8).withValueDim(32).bytes())
                .isEqualTo(10 * 2 * (16 * (64 + 32) + 8));
        assertThat(CacheShape.of(10, 16, 1, 576, KvFormat.BF16)
                        .withValuesInKeys(512)
                        .bytes())
                .isEqualTo(10 * 16 * 576 * 2);
        assertThatThrownBy(() -> CacheShape.of(1, 257, 1, 8, KvFormat.F32)).isInstanceOf(InvalidArgument.class);
        assertThatThrownBy(() -> CacheShape.of(1, 1, 1, 8, KvFormat.F32).withPageScales(2, 2))
                .isInstanceOf(InvalidArgument.class);
    }
}
