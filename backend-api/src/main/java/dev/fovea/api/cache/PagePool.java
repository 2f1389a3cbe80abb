package dev.fovea.api.cache;

/** The pages of one lane: which are free, and how many sequences hold each of the others. */
final class PagePool {
    private final int[] holders;
    private final int[] free;
    private int freeCount;

    PagePool(int pages) {
        holders = new int[pages];
        free = new int[pages];
        freeCount = pages;
        for (int i = 0; i < pages; i++) {
            free[i] = pages - 1 - i; // the lowest number is taken first
        }
    }

    int free() {
        return freeCount;
    }

    int total() {
        return holders.length;
    }

    int holders(int page) {
        return holders[page];
    }

    /** A free page, held once; there must be one. */
    int take() {
        int page = free[--freeCount];
        holders[page] = 1;
        return page;
    }

    void share(int page) {
        if (holders[page] == 0) {
            throw new IllegalStateException("page " + page + " is free");
        }
        holders[page]++;
    }

    void release(int page) {
        if (holders[page] == 0) {
            throw new IllegalStateException("page " + page + " is free");
        }
        if (--holders[page] == 0) {
            free[freeCount++] = page;
        }
    }
}
