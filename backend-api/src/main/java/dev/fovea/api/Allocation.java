package dev.fovea.api;

import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.spi.Storage;
import org.jspecify.annotations.Nullable;

/** Storage shared by a tensor, its views and the runs that use it; freed when the last of them lets go. */
final class Allocation {
    final Backend backend;
    final Storage storage;
    private volatile Known known;
    private int holders = 1;

    private record Known(IntFacts facts, int @Nullable [] values, int @Nullable [] listCounts) {}

    /**
     * Memory of a tensor.
     *
     * @param values what an I32 tensor came from the host with, if it is not too large to keep
     * @param listCounts the counts up to which its lists were checked to hold no number twice
     */
    Allocation(Backend backend, Storage storage, IntFacts facts, int @Nullable [] values, int @Nullable [] listCounts) {
        this.backend = backend;
        this.storage = storage;
        this.known = new Known(facts, values, listCounts);
    }

    IntFacts facts() {
        return known.facts;
    }

    int @Nullable [] values() {
        return known.values;
    }

    int @Nullable [] listCounts() {
        return known.listCounts;
    }

    /** A run writes other integers. */
    void learn(IntFacts facts) {
        known = new Known(facts, null, null);
    }

    synchronized void retain() {
        if (holders == 0) {
            throw new Closed("tensor");
        }
        holders++;
    }

    void release() {
        boolean last;
        synchronized (this) {
            last = --holders == 0;
        }
        if (last) {
            backend.forget(this);
            storage.free();
        }
    }
}
