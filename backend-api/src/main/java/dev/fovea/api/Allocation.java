package dev.fovea.api;

import dev.fovea.api.FoveaException.Closed;
import dev.fovea.api.spi.Storage;

/** Storage shared by a tensor, its views and the runs that use it; freed when the last of them lets go. */
final class Allocation {
    final Backend backend;
    final Storage storage;
    final IntFacts facts;
    private int holders = 1;

    Allocation(Backend backend, Storage storage, IntFacts facts) {
        this.backend = backend;
        this.storage = storage;
        this.facts = facts;
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
