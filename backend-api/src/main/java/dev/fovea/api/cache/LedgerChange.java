package dev.fovea.api.cache;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A planned change of a cache's books: what to move, and what becomes true by {@link #commit}. Ended by commit or rollback, once. */
final class LedgerChange {
    private final PageEdit[] edits;
    private final Moves.Lane[] moves;
    private final Map<KvSequence, Slots[]> after = new LinkedHashMap<>();
    private int[][] targets = {};
    private @Nullable KvSequence renumbered;

    LedgerChange(PagePool[] pools) {
        edits = Arrays.stream(pools).map(PageEdit::new).toArray(PageEdit[]::new);
        moves = Stream.generate(Moves.Lane::new).limit(pools.length).toArray(Moves.Lane[]::new);
    }

    PageEdit edit(int lane) {
        return edits[lane];
    }

    Moves.Lane moves(int lane) {
        return moves[lane];
    }

    void set(KvSequence sequence, int lane, Slots slots) {
        after.computeIfAbsent(sequence, s -> s.slots().clone())[lane] = slots;
    }

    void targets(int[][] rows) {
        targets = rows;
    }

    void renumbers(KvSequence sequence) {
        renumbered = sequence;
    }

    /** Rows that move within the cache, before new ones are written. */
    Moves moved() {
        return Moves.of(moves);
    }

    /** Rows that new keys go to, by lane. */
    int[][] targets() {
        return targets;
    }

    void commit() {
        after.forEach(KvSequence::set);
        if (renumbered != null) {
            renumbered.renumbered();
        }
        for (PageEdit edit : edits) {
            edit.commit();
        }
    }

    void rollback() {
        for (PageEdit edit : edits) {
            edit.rollback();
        }
    }
}
