package dev.fovea.cpu;

import dev.fovea.cpu.Scratch.Role;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Some keys and values of one block of query rows as dense f32 arrays, whatever their layout and format. They are counted by their
 * place in the block's list of keys. Rows up to the row step are zero, and so are columns of padding and values beyond the
 * sequence's length, so that nothing there can leak.
 */
final class KeyTile {
    /**
     * How the kernels want a tile.
     *
     * @param capacity most keys of it
     * @param columns floats of a key that are looked at, not below the head dim
     * @param keyPitch floats from a key to the next
     * @param channels floats of a value that are looked at, not below the value dim
     * @param valuePitch floats from a value to the next
     * @param rowStep rows come in multiples of it
     */
    record Form(int capacity, int columns, int keyPitch, int channels, int valuePitch, int rowStep) {}

    private final AttentionCall call;
    private final Scratch scratch;
    private final int batch;
    private final int keyHead;
    private final int valueHead;
    private final KeyList list;
    private final Form form;
    private final int @Nullable [] indices;
    private final int @Nullable [] positions;
    private int first;
    private int count;

    final float[] keys;
    final float[] values;

    /** @param number of the tile among those that one thread has at once */
    KeyTile(AttentionCall call, Scratch scratch, int batch, int group, KeyList list, Form form, int number) {
        this.call = call;
        this.scratch = scratch;
        this.batch = batch;
        this.keyHead = call.keyHead(group);
        this.valueHead = call.valueHead(group);
        this.list = list;
        this.form = form;
        int most = padded(form.capacity, form.rowStep);
        this.indices = list.keys() == null ? null : scratch.ints(Role.INDICES, most);
        this.positions = call.keyPositions == null ? indices : scratch.ints(Role.POSITIONS, most);
        this.keys = scratch.floats(Role.KEYS, number, most * form.keyPitch);
        this.values = scratch.floats(Role.VALUES, number, most * form.valuePitch);
    }

    static int padded(int n, int step) {
        return (n + step - 1) / step * step;
    }

    int capacity() {
        return form.capacity;
    }

    /** Keys that the block may see. */
    KeyList list() {
        return list;
    }

    /** Floats from a key to the next. */
    int keyPitch() {
        return form.keyPitch;
    }

    /** Channels of a row of values, padded. */
    int channels() {
        return form.channels;
    }

    /** Floats from a row of values to the next. */
    int valuePitch() {
        return form.valuePitch;
    }

    /** Place in the list of the first key. */
    int first() {
        return first;
    }

    /** Keys loaded, without padding. */
    int count() {
        return count;
    }

    /** Index of each key in its sequence; null where they follow each other from {@link #first} on. */
    int @Nullable [] indices() {
        return indices;
    }

    /** Position of each key; null where it is {@link #first} and so on. */
    int @Nullable [] positions() {
        return positions;
    }

    /** Loads the keys and values from a place of the list on. */
    void load(int firstKey, int keyCount) {
        take(firstKey, keyCount);
        loadKeys();
        loadValues();
    }

    /** Takes the keys from a place of the list on, without loading them. */
    void take(int firstKey, int keyCount) {
        first = firstKey;
        count = keyCount;
        findIndices(padded(count, form.rowStep));
    }

    /** Loads the keys taken. */
    void loadKeys() {
        int rows = padded(count, form.rowStep);
        if (form.columns != call.spec.headDim()) {
            Arrays.fill(keys, 0, rows * form.keyPitch, 0);
        }
        Arrays.fill(keys, count * form.keyPitch, rows * form.keyPitch, 0);
        each(
                count,
                false,
                (from, outer, head, position, n, row) ->
                        from.read(outer, head, position, n, keys, row * form.keyPitch, form.keyPitch, scratch));
        if (call.turn != null) {
            call.turn.turn(keys, 0, form.keyPitch, count, positions, first, scratch);
        }
    }

    /** Loads the codes of the keys taken. */
    void loadKeys(CodeTile to) {
        each(
                count,
                false,
                (from, outer, head, position, n, row) -> from.readCodes(outer, head, position, n, to, row, scratch));
        to.clear(count, padded(count, form.rowStep));
    }

    /** Loads the codes of the values of the keys taken. */
    void loadValues(CodeTile to) {
        int valid = valid();
        each(
                valid,
                true,
                (from, outer, head, position, n, row) -> from.readCodes(outer, head, position, n, to, row, scratch));
        to.clear(valid, padded(count, form.rowStep));
    }

    /** Keys taken that have a value. */
    private int valid() {
        return list.keys() != null ? count : Math.clamp((long) call.keyLength(batch, keyHead) - first, 0, count);
    }

    /** Hands over the first n keys taken or their values, each run with its row in the tile. */
    private void each(int n, boolean ofValues, KeyStore.Run to) {
        int[] selected = list.keys();
        for (int i = 0; i < n; ) {
            int start = i;
            int from = selected == null ? first : selected[first + i];
            int size = selected == null ? n : run(selected, first + i, first + n);
            KeyStore.Run shifted = start == 0
                    ? to
                    : (rows, outer, head, position, many, done) ->
                            to.take(rows, outer, head, position, many, start + done);
            if (ofValues) {
                call.store.eachValues(batch, keyHead, valueHead, from, size, shifted);
            } else {
                call.store.eachKeys(batch, keyHead, from, size, shifted);
            }
            i += size;
        }
    }

    /** Says where some keys of the list lie, if they can be read there. */
    boolean locateKeys(int firstKey, int keyCount, RowGroups to) {
        return locate(firstKey, keyCount, to, false);
    }

    /** Says where the values of the keys taken lie, if they can be read there; all keys are below the length. */
    boolean locateValues(RowGroups to) {
        return locate(first, count, to, true);
    }

    private boolean locate(int firstKey, int keyCount, RowGroups to, boolean ofValues) {
        int[] selected = list.keys();
        to.clear();
        for (int i = 0; i < keyCount; ) {
            int n = selected == null ? keyCount : run(selected, firstKey + i, firstKey + keyCount);
            int from = selected == null ? firstKey : selected[firstKey + i];
            boolean fits = ofValues
                    ? call.store.locateValues(batch, keyHead, valueHead, from, n, to)
                    : call.store.locateKeys(batch, keyHead, from, n, to);
            if (!fits) {
                return false;
            }
            i += n;
        }
        return true;
    }

    /** Keys from place i on that follow each other in the sequence too. */
    private static int run(int[] selected, int i, int end) {
        int n = 1;
        while (i + n < end && selected[i + n] == selected[i] + n) {
            n++;
        }
        return n;
    }

    private void findIndices(int rows) {
        int[] selected = list.keys();
        if (indices != null && selected != null) {
            System.arraycopy(selected, first, indices, 0, count);
            Arrays.fill(indices, count, rows, 0);
        }
        if (positions != null && call.keyPositions != null) {
            for (int i = 0; i < count; i++) {
                positions[i] = call.keyPosition(batch, keyHead, selected == null ? first + i : selected[first + i]);
            }
            Arrays.fill(positions, count, rows, 0);
        }
    }

    /** Loads the values of the keys taken. */
    void loadValues() {
        int rows = padded(count, form.rowStep);
        int valid = valid();
        int pitch = form.valuePitch;
        if (form.channels != call.spec.valueDim()) {
            Arrays.fill(values, 0, rows * pitch, 0);
        }
        each(
                valid,
                true,
                (from, outer, head, position, n, row) ->
                        from.read(outer, head, position, n, values, row * pitch, pitch, scratch));
        Arrays.fill(values, valid * pitch, rows * pitch, 0);
    }
}
