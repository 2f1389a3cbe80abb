package dev.fovea.cpu;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Work arrays of one thread, by role; they grow and are kept from run to run. Contents are left over from earlier use. */
final class Scratch {
    /** What an array is for; the roles with a number have one array for each. */
    enum Role {
        KEYS,
        VALUES,
        TILE,
        TOP,
        RESCALE,
        FACTOR,
        ROW,
        QUERIES,
        ACCUMULATOR,
        MAXIMUM,
        SUM,
        PROBABILITY,
        PROGRAM,
        LANES,
        SCALES,
        ZEROS,
        WORKSPACE,
        LIST,
        SELECTED,
        INDICES,
        POSITIONS,
        COSINES,
        SINES,
        TURNED
    }

    private static final float[][] NONE = new float[0][];

    private final Map<Role, float[][]> floats = new EnumMap<>(Role.class);
    private int[][] ints = new int[0][];
    private int[] denseInts = new int[0];
    private short[] shorts = new short[0];
    private byte[] bytes = new byte[0];
    private long[] longs = new long[0];
    private long size;
    private int kept;
    private final Map<Role, int[]> integers = new EnumMap<>(Role.class);
    private final Map<Role, byte[]> codeBytes = new EnumMap<>(Role.class);
    private final Halves halves;
    private final Codes codes;
    private @Nullable KeyTiles tiles;
    private @Nullable SmallBlock small;

    /** Made anew after each garbage collection, so that the next one moves it, whatever else it moves. */
    private float[] witness = new float[1];

    private long witnessed;

    Scratch(Halves halves, Codes codes) {
        this.halves = halves;
        this.codes = codes;
    }

    /** Before another run: what a garbage collection has moved lies anywhere now, and is made anew. */
    void realign() {
        long at = ArrayAlignment.address(witness);
        if (at == witnessed) {
            return;
        }
        for (float[][] list : floats.values()) {
            for (int i = 0; i < list.length; i++) {
                if (list[i] != null && !ArrayAlignment.isAligned(list[i])) {
                    list[i] = ArrayAlignment.floats(list[i].length);
                }
            }
        }
        witness = new float[1];
        witnessed = ArrayAlignment.address(witness);
    }

    /** How this backend converts 16-bit storage. */
    Halves halves() {
        return halves;
    }

    /** How this backend reads quantised storage. */
    Codes codes() {
        return codes;
    }

    /** What the last block of query rows of this run left loaded. */
    @Nullable
    KeyTiles tiles() {
        return tiles;
    }

    /** Keeps loaded tiles for the next block of this run; null at its end. */
    void keepTiles(@Nullable KeyTiles loaded) {
        tiles = loaded;
    }

    /** What the last small block of this run left. */
    @Nullable
    SmallBlock small() {
        return small;
    }

    /** Keeps the arrays of a small block for the next one of this run; null at its end. */
    void keepSmall(@Nullable SmallBlock block) {
        small = block;
    }

    /** Keeps what was read ahead of its time from being left out by the compiler; gives nothing of use. */
    int keep(int value) {
        kept += value;
        return kept;
    }

    /** An array of at least {@code size} keys to sort by. */
    long[] longs(int size) {
        if (longs.length < size) {
            grow(longs.length, size, Long.BYTES);
            longs = new long[size];
        }
        return longs;
    }

    /** An array of at least {@code size} integers. */
    int[] ints(Role role, int size) {
        int[] array = integers.get(role);
        if (array == null || array.length < size) {
            grow(array == null ? 0 : array.length, size, Integer.BYTES);
            array = new int[size];
            integers.put(role, array);
        }
        return array;
    }

    float[] floats(Role role, int size) {
        return floats(role, 0, size);
    }

    /** An array of at least {@code size} elements. */
    float[] floats(Role role, int index, int size) {
        float[][] list = floats.getOrDefault(role, NONE);
        if (index >= list.length) {
            list = Arrays.copyOf(list, index + 8);
            floats.put(role, list);
        }
        float[] array = list[index];
        if (array == null || array.length < size) {
            grow(array == null ? 0 : array.length, size, Float.BYTES);
            array = ArrayAlignment.floats(size);
            list[index] = array;
        }
        return array;
    }

    /** An array of at least {@code size} elements for the expression slot {@code index}. */
    int[] ints(int index, int size) {
        if (index >= ints.length) {
            ints = Arrays.copyOf(ints, index + 8);
        }
        int[] array = ints[index];
        if (array == null || array.length < size) {
            grow(array == null ? 0 : array.length, size, Integer.BYTES);
            array = new int[size];
            ints[index] = array;
        }
        return array;
    }

    /** An array of at least {@code size} elements for 16-bit storage on its way to float. */
    short[] shorts(int size) {
        if (shorts.length < size) {
            grow(shorts.length, size, Short.BYTES);
            shorts = new short[size];
        }
        return shorts;
    }

    /** An array of at least {@code size} elements for integers on their way to lanes. */
    int[] ints(int size) {
        if (denseInts.length < size) {
            grow(denseInts.length, size, Integer.BYTES);
            denseInts = new int[size];
        }
        return denseInts;
    }

    /** An array of at least {@code size} elements for truth values on their way to int. */
    byte[] bytes(int size) {
        if (bytes.length < size) {
            grow(bytes.length, size, 1);
            bytes = new byte[size];
        }
        return bytes;
    }

    /** An array of at least {@code size} bytes for codes. */
    byte[] bytes(Role role, int size) {
        byte[] array = codeBytes.get(role);
        if (array == null || array.length < size) {
            grow(array == null ? 0 : array.length, size, 1);
            array = new byte[size];
            codeBytes.put(role, array);
        }
        return array;
    }

    private void grow(int from, int to, int elementBytes) {
        size += (long) (to - from) * elementBytes;
    }

    /** Bytes that all arrays occupy. */
    long size() {
        return size;
    }
}
