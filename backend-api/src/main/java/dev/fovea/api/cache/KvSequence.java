package dev.fovea.api.cache;

import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.FoveaException.InvalidArgument;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A sequence in a {@link KvCache}: a handle, equal only to itself. Its content changes through the cache alone. */
public final class KvSequence {
    final CacheLedger ledger;
    /** By lane; null once dropped. */
    private Slots @Nullable [] slots;

    private long generation;

    KvSequence(CacheLedger ledger, Slots[] slots, long generation) {
        this.ledger = ledger;
        this.slots = slots;
        this.generation = generation;
    }

    /** Keys in the cache; of the head that keeps most, where heads keep different ones. */
    public int length() {
        synchronized (ledger) {
            return Arrays.stream(slots()).mapToInt(Slots::length).max().orElseThrow();
        }
    }

    /** Keys of a head in the cache. */
    public int length(int head) {
        synchronized (ledger) {
            return lane(head).length();
        }
    }

    /** The position that the next appended key gets: the number of keys appended, less those truncated. */
    public int nextPosition() {
        synchronized (ledger) {
            return slots()[0].nextPosition();
        }
    }

    /** The positions of the keys of a head, ascending. */
    public int[] positions(int head) {
        synchronized (ledger) {
            return lane(head).positions();
        }
    }

    /** Grows with each compaction: key indices of an older generation mean other keys. */
    public long generation() {
        synchronized (ledger) {
            slots();
            return generation;
        }
    }

    Slots[] slots() {
        if (slots == null) {
            throw new Closed("sequence");
        }
        return slots;
    }

    private Slots lane(int head) {
        if (head < 0 || head >= ledger.shape.heads()) {
            throw new InvalidArgument("head", "from 0 to " + (ledger.shape.heads() - 1), "" + head, "correct it");
        }
        return slots()[ledger.shape.perHead() ? head : 0];
    }

    void set(Slots[] other) {
        slots = other;
    }

    void renumbered() {
        generation++;
    }

    void drop() {
        slots = null;
    }
}
