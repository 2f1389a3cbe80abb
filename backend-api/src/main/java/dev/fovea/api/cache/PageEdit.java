package dev.fovea.api.cache;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A change to the pages of a lane that is not final: pages taken for it are given back by {@link #rollback}, pages that it lets go of are
 * released by {@link #commit}, since until then they hold what is copied from them.
 */
final class PageEdit {
    private final PagePool pool;
    private final int freeBefore;
    private final List<Integer> taken = new ArrayList<>();
    private final Map<Integer, Integer> dropped = new HashMap<>();
    private int asked;

    PageEdit(PagePool pool) {
        this.pool = pool;
        this.freeBefore = pool.free();
    }

    /** A page, or any number when none is free: {@link #lacks} then says so, and the whole demand is counted. */
    int take() {
        asked++;
        if (pool.free() == 0) {
            return 0;
        }
        int page = pool.take();
        taken.add(page);
        return page;
    }

    void drop(int page) {
        dropped.merge(page, 1, Integer::sum);
    }

    /** Whether nobody else will hold the page after this edit, so that it can be written. */
    boolean exclusive(int page) {
        return pool.holders(page) - dropped.getOrDefault(page, 0) == 1;
    }

    int asked() {
        return asked;
    }

    int freeBefore() {
        return freeBefore;
    }

    boolean lacks() {
        return asked > taken.size();
    }

    void commit() {
        dropped.forEach((page, times) -> {
            for (int i = 0; i < times; i++) {
                pool.release(page);
            }
        });
    }

    void rollback() {
        taken.forEach(pool::release);
    }
}
