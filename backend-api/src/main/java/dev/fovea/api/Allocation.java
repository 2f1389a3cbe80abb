package dev.fovea.api;

import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.spi.Storage;
import org.jspecify.annotations.Nullable;

/** Storage shared by a tensor, its views and the runs that use it; freed when the last of them lets go. */
final class Allocation {
    final Backend backend;
    final Storage storage;
    final IntFacts facts;
    final int @Nullable [] values;
    final int @Nullable [] listCounts;
    private int holders = 1;

    /**
     * Memory of a tensor.
     *
     * @param values what an I32 tensor came from the host with, if it is not too large to keep
     * @param listCounts the counts up to which its lists were checked to hold no number twice
     */
    Allocation(Backend backend, Storage storage, IntFacts facts, int @Nullable [] values, int @Nullable [] listCounts) {
        this.backend = backend;
        this.storage = storage;
        this.facts = facts;
        this.values = values;
        this.listCounts = listCounts;
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
