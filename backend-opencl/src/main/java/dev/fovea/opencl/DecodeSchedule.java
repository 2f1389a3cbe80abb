package dev.fovea.opencl;

import dev.fovea.api.expr.KeyBand;
import dev.fovea.api.spec.AttentionSpec;
import dev.fovea.api.spi.DeviceSchedule;
import dev.fovea.opencl.runtime.DeviceContext;
import dev.fovea.opencl.runtime.DeviceStorage;
import dev.fovea.opencl.runtime.KernelArgument.Memory;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** The parts of the keys of all sequences, longest first, on the device: pairs of sequence and part. */
final class DecodeSchedule implements DeviceSchedule {
    private final DeviceStorage storage;
    private final int items;

    private record Item(int sequence, int split, int keys) {}

    private DecodeSchedule(DeviceStorage storage, int items) {
        this.storage = storage;
        this.items = items;
    }

    static DecodeSchedule of(
            DeviceContext context, AttentionSpec spec, int[] queryLengths, int[] keyLengths, int splitLength) {
        // where the band needs a scalar of the run, it cuts nothing here: parts that turn out empty do nothing
        KeyBand band = KeyBand.of(spec.mask(), Map.of());
        List<Item> all = new ArrayList<>();
        for (int b = 0; b < keyLengths.length; b++) {
            long seen = spec.source().positions()
                    ? keyLengths[b]
                    : Math.min(keyLengths[b], Math.max(0L, (long) band.left() + band.right() + queryLengths[b]));
            int n = queryLengths[b] == 0 ? 0 : Math.toIntExact(Math.ceilDiv(seen, splitLength));
            for (int split = 0; split < n; split++) {
                all.add(new Item(b, split, (int) Math.min(splitLength, seen - (long) split * splitLength)));
            }
        }
        all.sort(Comparator.comparingInt(Item::keys).reversed());
        int[] pairs = new int[2 * all.size()];
        for (int i = 0; i < all.size(); i++) {
            pairs[2 * i] = all.get(i).sequence;
            pairs[2 * i + 1] = all.get(i).split;
        }
        DeviceStorage storage = context.allocate(4L * pairs.length);
        storage.write(0, MemorySegment.ofArray(pairs));
        return new DecodeSchedule(storage, all.size());
    }

    Memory memory() {
        return new Memory(storage);
    }

    int items() {
        return items;
    }

    @Override
    public void close() {
        storage.free();
    }
}
