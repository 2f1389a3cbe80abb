package dev.fovea.cpu;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/** The scratch of a backend: as many as threads ever worked at once. */
final class ScratchPool {
    private final ConcurrentLinkedQueue<Scratch> idle = new ConcurrentLinkedQueue<>();
    private final AtomicLong idleBytes = new AtomicLong();

    private final Halves halves;
    private final Codes codes;

    ScratchPool(Halves halves, Codes codes) {
        this.halves = halves;
        this.codes = codes;
    }

    Scratch take() {
        Scratch scratch = idle.poll();
        if (scratch == null) {
            return new Scratch(halves, codes);
        }
        idleBytes.addAndGet(-scratch.size());
        ArrayAlignment.start();
        scratch.realign();
        return scratch;
    }

    void giveBack(Scratch scratch) {
        scratch.keepTiles(null);
        scratch.keepSmall(null);
        idleBytes.addAndGet(scratch.size());
        idle.add(scratch);
    }

    /** Bytes of the scratch that no run uses now. */
    long bytes() {
        return idleBytes.get();
    }

    void clear() {
        while (idle.poll() != null) {
            // dropped
        }
        idleBytes.set(0);
    }
}
