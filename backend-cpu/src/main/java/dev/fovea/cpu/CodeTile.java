package dev.fovea.cpu;

import dev.fovea.cpu.Scratch.Role;
import java.util.Arrays;

/**
 * Rows of signed 8-bit codes, one after the other: {@code scale[row] * (codes[row * columns + d] - zero[row])}. What is beyond the rows
 * is zero.
 */
record CodeTile(int columns, byte[] codes, float[] scale, float[] zero) {
    /**
     * A tile in the scratch of a thread.
     *
     * @param role of the floats that the codes stand for
     * @param number 1 or more, another one for each role
     */
    static CodeTile of(Scratch scratch, Role role, int number, int rows, int columns) {
        return new CodeTile(
                columns,
                scratch.bytes(role, rows * columns + Codes.SLACK),
                scratch.floats(Role.SCALES, number, rows),
                scratch.floats(Role.ZEROS, number, rows));
    }

    /** Makes the rows of [from, to) zero. */
    void clear(int from, int to) {
        Arrays.fill(codes, from * columns, to * columns, (byte) 0);
        Arrays.fill(scale, from, to, 0);
        Arrays.fill(zero, from, to, 0);
    }
}
