package dev.fovea.cpu;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * A kernel in vectors and its twin in plain loops, which gives the same bits and works in its place until the vectors are compiled:
 * before, each of their operations is a call and an object, and a call of the kernel takes up to a hundred times as long. Once somebody
 * needs the kernel, a thread of its own runs both on numbers that do not matter until the vectors are the faster ones.
 */
final class Warming<K> {
    /** Vectors that are compiled win by far, others lose by far: several times in a row, since other work may come in between. */
    private static final int WINS = 3;

    /** Until then the plain loops may not be compiled either, and vectors win by chance. */
    private static final long LEAST_NANOS = 20_000_000;

    /** Vectors that are not compiled by then never will be, and it is not for this class to say what becomes of them. */
    private static final long MOST_NANOS = 10_000_000_000L;

    /** After it trials begin though the first work goes on: that is long enough to gain by vectors. */
    private static final long MOST_PATIENCE_MILLIS = 300;

    private static final AtomicInteger COLD = new AtomicInteger();

    private static final CountDownLatch FIRST_WORK = new CountDownLatch(1);

    private final K plain;
    private final K vectors;
    private final Consumer<K> trial;
    private final AtomicBoolean asked = new AtomicBoolean();
    private volatile boolean warm;

    /** @param trial runs the kernel on numbers of its own */
    Warming(K plain, K vectors, Consumer<K> trial) {
        this.plain = plain;
        this.vectors = vectors;
        this.trial = trial;
    }

    /** Whether no kernel that was needed so far is still on its way. */
    static boolean settled() {
        return COLD.get() == 0;
    }

    /** Says that some work is done, the first or any other. */
    static void worked() {
        FIRST_WORK.countDown();
    }

    /** The one to run now. */
    K kernel() {
        if (warm) {
            return vectors;
        }
        if (asked.compareAndSet(false, true)) {
            beside(this::warmUp);
        }
        return plain;
    }

    /**
     * Does something on the thread of the trials, when those that were asked for and the first work in this JVM are done; that waits for
     * classes and compilers, for which trials compete with it.
     */
    static void beside(Runnable work) {
        COLD.incrementAndGet();
        Trials.THREAD.execute(() -> {
            try {
                FIRST_WORK.await(MOST_PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
                worked(); // lest each of the trials waits as long
                work.run();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt(); // nobody does that
            } finally {
                COLD.decrementAndGet();
            }
        });
    }

    private void warmUp() {
        try {
            long start = System.nanoTime();
            long best = Long.MAX_VALUE;
            int wins = 0;
            for (long now = start; wins < WINS && now - start < MOST_NANOS; ) {
                trial.accept(plain);
                long between = System.nanoTime();
                best = Math.min(best, between - now);
                trial.accept(vectors);
                now = System.nanoTime();
                wins = now - between < best && now - start > LEAST_NANOS ? wins + 1 : 0;
            }
        } finally {
            warm = true;
        }
    }

    /** The thread, which ends when it has had nothing to do for a while. */
    private static final class Trials {
        static final ThreadPoolExecutor THREAD = thread();

        private static ThreadPoolExecutor thread() {
            ThreadPoolExecutor one =
                    new ThreadPoolExecutor(1, 1, 1, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), r -> {
                        Thread t = new Thread(r, "fovea-cpu-warm-up");
                        t.setDaemon(true);
                        return t;
                    });
            one.allowCoreThreadTimeOut(true);
            return one;
        }
    }
}
