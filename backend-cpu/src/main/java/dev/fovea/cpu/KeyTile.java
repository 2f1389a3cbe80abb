package dev.fovea.cpu;

import dev.fovea.cpu.Scratch.Role;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Some consecutive keys and values of one head as dense f32 arrays: past and new ones joined, values padded with zeros to the
 * kernels' channel step, rows up to the key step zero, and values beyond the sequence's length zero, so that nothing there can leak.
 */
final class KeyTile {
    private final AttentionCall call;
    private final Kernels kernels;
    private final Scratch scratch;
    private final int batch;
    private final int keyHead;
    private final int valueHead;
    private final int capacity;
    private final int channels;
    private int first;
    private int count;

    final float[] keys;
    final float[] values;

    KeyTile(AttentionCall call, Kernels kernels, Scratch scratch, int batch, int group, int capacity) {
        this.call = call;
        this.kernels = kernels;
        this.scratch = scratch;
        this.batch = batch;
        this.keyHead = call.keyHead(group);
        this.valueHead = call.valueHead(group);
        this.capacity = capacity;
        this.channels = padded(call.spec.valueDim(), kernels.channelStep());
        this.keys = scratch.floats(Role.KEYS, capacity * call.spec.headDim());
        this.values = scratch.floats(Role.VALUES, capacity * channels);
    }

    static int padded(int n, int step) {
        return (n + step - 1) / step * step;
    }

    int capacity() {
        return capacity;
    }

    /** Channels of a row of values, padded. */
    int channels() {
        return channels;
    }

    int first() {
        return first;
    }

    /** Keys loaded, without padding. */
    int count() {
        return count;
    }

    void load(int firstKey, int keyCount) {
        first = firstKey;
        count = keyCount;
        int dim = call.spec.headDim();
        read(call.pastKey, call.key, keyHead, keyCount, keys, dim);
        int rows = padded(keyCount, kernels.keyStep());
        Arrays.fill(keys, keyCount * dim, rows * dim, 0);
        int valid = Math.clamp((long) call.keyLength(batch, keyHead) - firstKey, 0, keyCount);
        if (channels != call.spec.valueDim()) {
            Arrays.fill(values, 0, rows * channels, 0);
        }
        read(call.pastValue, call.value, valueHead, valid, values, channels);
        Arrays.fill(values, valid * channels, rows * channels, 0);
    }

    private void read(@Nullable Rows past, Rows fresh, int head, int n, float[] to, int pitch) {
        int old = past == null ? 0 : Math.clamp((long) call.pastKeys - first, 0, n);
        if (past != null && old > 0) {
            past.read(batch, head, first, old, to, 0, pitch, scratch);
        }
        if (old < n) {
            fresh.read(batch, head, (long) first + old - call.pastKeys, n - old, to, old * pitch, pitch, scratch);
        }
    }
}
