package dev.fovea.cpu;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Threads that help a caller through a range of independent tasks. The caller works too, so that a pool of n threads starts n - 1;
 * with one thread nothing leaves the caller. Any number of callers may share a pool.
 */
final class WorkerPool implements AutoCloseable {
    /** A share of some work; called once for each index. */
    interface Task {
        void run(long index);
    }

    /** Makes the task of one participating thread and takes back what it borrowed. */
    interface Participant {
        /** Works on indices from {@code next} until it gives a negative one. */
        void work(IndexSource next);
    }

    /** Hands out each index once. */
    interface IndexSource {
        /** The next index, or -1. */
        long next();
    }

    private final List<Thread> threads = new ArrayList<>();
    private final LinkedBlockingQueue<Job> jobs = new LinkedBlockingQueue<>();
    private volatile boolean closed;

    WorkerPool(int size) {
        for (int i = 1; i < size; i++) {
            threads.add(Thread.ofPlatform().daemon().name("fovea-cpu-" + i).start(this::loop));
        }
    }

    int size() {
        return threads.size() + 1;
    }

    /** Runs all indices of [0, count); returns when all are done and throws the first failure. */
    void run(long count, Participant participant) {
        int helpers = (int) Math.min(threads.size(), count - 1);
        Job job = new Job(count, participant, Math.max(0, helpers));
        for (int i = 0; i < helpers; i++) {
            jobs.add(job);
        }
        job.participate();
        if (helpers > 0) {
            job.awaitHelpers(jobs);
        }
        Throwable failure = job.failure.get();
        if (failure instanceof RuntimeException e) {
            throw e;
        }
        if (failure instanceof Error e) {
            throw e;
        }
    }

    private void loop() {
        while (!closed) {
            try {
                Job job = jobs.take();
                job.participate();
                job.helpersLeft.countDown();
            } catch (InterruptedException e) {
                return; // close() asks for it
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        threads.forEach(Thread::interrupt);
    }

    private static final class Job {
        final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        final CountDownLatch helpersLeft;
        private final AtomicLong next = new AtomicLong();
        private final long count;
        private final Participant participant;

        Job(long count, Participant participant, int helpers) {
            this.count = count;
            this.participant = participant;
            this.helpersLeft = new CountDownLatch(helpers);
        }

        void participate() {
            try {
                participant.work(this::take);
            } catch (RuntimeException | Error e) {
                failure.compareAndSet(null, e);
                next.set(count);
            }
        }

        private long take() {
            long i = next.getAndIncrement();
            return i < count ? i : -1;
        }

        /** Invitations that nobody has picked up are withdrawn: all indices are taken, and a closed pool picks up none. */
        void awaitHelpers(LinkedBlockingQueue<Job> jobs) {
            while (jobs.remove(this)) {
                helpersLeft.countDown();
            }
            boolean interrupted = false;
            while (true) {
                try {
                    helpersLeft.await();
                    break;
                } catch (InterruptedException e) {
                    interrupted = true; // the helpers still write to the caller's tensors
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
