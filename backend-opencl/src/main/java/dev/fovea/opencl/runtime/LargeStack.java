package dev.fovea.opencl.runtime;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.IntSupplier;

/**
 * Runs a driver's compiler on a thread of its own: they recurse as deep as a kernel is long, and a Java thread's stack of a megabyte ends the
 * process where that of a native program would do.
 */
final class LargeStack {
    private static final long BYTES = 64L << 20;

    private LargeStack() {}

    /** Waits for the result; what the call throws comes out of here. */
    static int call(IntSupplier compiler) {
        CompletableFuture<Integer> result = new CompletableFuture<>();
        Thread thread = new Thread(
                null,
                () -> {
                    try {
                        result.complete(compiler.getAsInt());
                    } catch (Throwable t) {
                        result.completeExceptionally(t);
                    }
                },
                "fovea-compiler",
                BYTES);
        thread.setDaemon(true);
        thread.start();
        try {
            return result.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException r) {
                throw r;
            }
            throw e;
        }
    }
}
