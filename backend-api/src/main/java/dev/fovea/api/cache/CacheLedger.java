package dev.fovea.api.cache;

import dev.fovea.api.FoveaException.InvalidArgument;
import dev.fovea.api.FoveaException.OutOfPages;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The books of a cache: which pages each sequence has in each lane (one for all heads, or one a head), and how a change moves rows. It
 * touches no device: a change is planned whole, its rows are moved by the caller, and then it becomes final or never was.
 */
final class CacheLedger {
    final CacheShape shape;
    private final PagePool[] pools;
    private int sequences;

    CacheLedger(CacheShape shape) {
        this.shape = shape;
        this.pools = IntStream.range(0, shape.lanes())
                .mapToObj(i -> new PagePool(shape.pages()))
                .toArray(PagePool[]::new);
    }

    /** Free pages of the lane that has fewest. */
    int freePages() {
        return Arrays.stream(pools).mapToInt(PagePool::free).min().orElseThrow();
    }

    int sequences() {
        return sequences;
    }

    KvSequence create() {
        Slots[] slots = new Slots[pools.length];
        Arrays.fill(slots, Slots.EMPTY);
        sequences++;
        return new KvSequence(this, slots, 0);
    }

    KvSequence fork(KvSequence parent) {
        Slots[] slots = own(parent).clone();
        for (int lane = 0; lane < pools.length; lane++) {
            Arrays.stream(slots[lane].pages()).forEach(pools[lane]::share);
        }
        sequences++;
        return new KvSequence(this, slots, parent.generation());
    }

    void truncate(KvSequence sequence, int position) {
        Slots[] before = own(sequence);
        int next = before[0].nextPosition();
        if (position < 0 || position > next) {
            throw new InvalidArgument(
                    "position", "from 0 to the next position " + next, "" + position, "a sequence only gets shorter");
        }
        Slots[] after = new Slots[pools.length];
        for (int lane = 0; lane < pools.length; lane++) {
            after[lane] = before[lane].before(position, shape.pageSize());
            release(lane, before[lane], after[lane].pages().length);
        }
        sequence.set(after);
    }

    void drop(KvSequence sequence) {
        Slots[] slots = own(sequence);
        for (int lane = 0; lane < pools.length; lane++) {
            release(lane, slots[lane], 0);
        }
        sequences--;
        sequence.drop();
    }

    private void release(int lane, Slots slots, int from) {
        for (int i = from; i < slots.pages().length; i++) {
            pools[lane].release(slots.pages()[i]);
        }
    }

    /** Room for {@code counts[i]} more keys of each sequence; the change's targets are rows for them, in order. */
    LedgerChange append(List<KvSequence> list, int[] counts) {
        checkDistinct(list);
        if (counts.length != list.size() || Arrays.stream(counts).anyMatch(n -> n < 0)) {
            throw new InvalidArgument(
                    "counts",
                    "a number of at least 0 for each of " + list.size() + " sequences",
                    Arrays.toString(counts),
                    "give one each");
        }
        for (int i = 0; i < counts.length; i++) {
            if ((long) list.get(i).nextPosition() + counts[i] > 1 << 29) {
                throw new InvalidArgument("counts", "at most 2^29 positions", "" + counts[i], "truncate or drop");
            }
        }
        LedgerChange change = new LedgerChange(pools);
        int[][] targets = new int[pools.length][];
        for (int lane = 0; lane < pools.length; lane++) {
            List<Integer> rows = new ArrayList<>();
            for (int i = 0; i < list.size(); i++) {
                KvSequence sequence = list.get(i);
                Slots before = sequence.slots()[lane];
                Slots after = extended(before, counts[i], change.edit(lane), change.moves(lane));
                change.set(sequence, lane, after);
                for (int k = before.length(); k < after.length(); k++) {
                    rows.add(after.row(k, shape.pageSize()));
                }
            }
            targets[lane] = rows.stream().mapToInt(Integer::intValue).toArray();
        }
        change.targets(targets);
        return fitting(change);
    }

    private Slots extended(Slots before, int more, PageEdit edit, Moves.Lane moves) {
        int size = shape.pageSize();
        int filled = before.length() % size;
        int[] pages = Arrays.copyOf(before.pages(), Math.ceilDiv(before.length() + more, size));
        int last = before.pages().length - 1;
        if (more > 0 && filled > 0 && !edit.exclusive(pages[last])) {
            int shared = pages[last];
            pages[last] = edit.take();
            edit.drop(shared);
            for (int i = 0; i < filled; i++) {
                moves.add(shared * size + i, pages[last] * size + i);
            }
        }
        for (int i = last + 1; i < pages.length; i++) {
            pages[i] = edit.take();
        }
        return more == 0 ? before : before.longer(pages, more);
    }

    /**
     * Keeps the keys of the given indices, in their order; pages before the first that moves stay shared, others are written in place or,
     * where another sequence holds them, anew.
     *
     * @param kept by lane, ascending
     */
    LedgerChange compact(KvSequence sequence, int[][] kept) {
        Slots[] slots = own(sequence);
        if (kept.length != pools.length) {
            throw new InvalidArgument(
                    "kept indices",
                    pools.length + " lists",
                    kept.length + "",
                    "one for each head with tables of its own");
        }
        for (int lane = 0; lane < pools.length; lane++) {
            checkKept(kept[lane], slots[lane].length());
        }
        LedgerChange change = new LedgerChange(pools);
        change.renumbers(sequence);
        for (int lane = 0; lane < pools.length; lane++) {
            change.set(sequence, lane, packed(slots[lane], kept[lane], change.edit(lane), change.moves(lane)));
        }
        return fitting(change);
    }

    private Slots packed(Slots before, int[] kept, PageEdit edit, Moves.Lane moves) {
        int size = shape.pageSize();
        int[] pages = Arrays.copyOf(before.pages(), Math.ceilDiv(kept.length, size));
        for (int p = 0; p < pages.length; p++) {
            int old = pages[p];
            int from = p * size;
            int to = Math.min(kept.length, from + size);
            if (kept[to - 1] == to - 1) {
                continue; // ascending: nothing before it moves either
            }
            boolean fresh = !edit.exclusive(old);
            if (fresh) {
                pages[p] = edit.take();
                edit.drop(old);
            }
            for (int i = from; i < to; i++) {
                if (fresh || kept[i] != i) {
                    moves.add(before.row(kept[i], size), pages[p] * size + i - from);
                }
            }
        }
        for (int p = pages.length; p < before.pages().length; p++) {
            edit.drop(before.pages()[p]);
        }
        return before.only(kept, pages);
    }

    private static void checkKept(int[] kept, int length) {
        for (int i = 0; i < kept.length; i++) {
            if (kept[i] < 0 || kept[i] >= length || i > 0 && kept[i] <= kept[i - 1]) {
                throw new InvalidArgument(
                        "kept indices",
                        "ascending indices below " + length,
                        kept[i] + " at " + i,
                        "keys keep their order, each at most once");
            }
        }
    }

    private LedgerChange fitting(LedgerChange change) {
        for (int lane = 0; lane < pools.length; lane++) {
            PageEdit edit = change.edit(lane);
            if (edit.lacks()) {
                change.rollback();
                throw new OutOfPages(edit.asked(), edit.freeBefore(), shape.pages(), shape.perHead() ? lane : -1);
            }
        }
        return change;
    }

    void checkDistinct(List<KvSequence> list) {
        if (new HashSet<>(list).size() != list.size()) {
            throw new InvalidArgument("sequences", "each sequence once", "one twice", "merge its keys into one entry");
        }
        list.forEach(this::own);
    }

    Slots[] own(KvSequence sequence) {
        if (sequence.ledger != this) {
            throw new InvalidArgument("sequence", "one of this cache", "one of another", "make it by create");
        }
        return sequence.slots();
    }
}
