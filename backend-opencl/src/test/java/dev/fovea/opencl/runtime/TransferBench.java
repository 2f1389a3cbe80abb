package dev.fovea.opencl.runtime;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Locale;
import org.jocl.CL;
import org.jocl.Pointer;

/** GB/s between a Java array and a device by chunk size and threads, and without page-locked memory: {@code TransferBench device [MiB]}. */
final class TransferBench {
    private static final int ROUNDS = 12;

    private TransferBench() {}

    public static void main(String[] args) {
        FoundDevice device = DeviceSearch.run().devices().stream()
                .filter(d -> d.info().id().equals(args[0]))
                .findFirst()
                .orElseThrow();
        int bytes = (args.length > 1 ? Integer.parseInt(args[1]) : 64) << 20;
        MemorySegment array = MemorySegment.ofArray(new float[bytes / 4]);
        try (DeviceContext context = DeviceContext.open(device, BinaryCache.none(), _ -> {});
                Arena arena = Arena.ofShared()) {
            DeviceStorage storage = context.allocate(bytes);
            Pointer plain = Pointer.to(arena.allocate(bytes, 64).asByteBuffer());
            row(
                    "native memory as it is",
                    bytes,
                    () -> CL.clEnqueueWriteBuffer(
                            context.transfers(), storage.handle(), true, 0, bytes, plain, 0, null, null),
                    () -> CL.clEnqueueReadBuffer(
                            context.transfers(), storage.handle(), true, 0, bytes, plain, 0, null, null));
            row("an array by the library", bytes, () -> storage.write(0, array), () -> storage.read(0, array));
            for (int chunk : new int[] {4, 8, 16, 32}) {
                for (int copiers : new int[] {1, 4, 8, 12}) {
                    Staging staging = new Staging(context, chunk << 20, copiers);
                    row(
                            "chunks of " + chunk + " MiB, " + copiers + " threads",
                            bytes,
                            () -> staging.write(storage.handle(), 0, array),
                            () -> staging.read(storage.handle(), 0, array));
                }
            }
            storage.free();
        }
    }

    private static void row(String what, long bytes, Runnable write, Runnable read) {
        System.out.printf(
                Locale.ROOT,
                "%-32s write %6.1f GB/s, read %6.1f GB/s%n",
                what,
                bytes / best(write),
                bytes / best(read));
    }

    private static double best(Runnable transfer) {
        double best = Double.MAX_VALUE;
        for (int i = 0; i < ROUNDS; i++) {
            long start = System.nanoTime();
            transfer.run();
            best = Math.min(best, System.nanoTime() - start);
        }
        return best;
    }
}
