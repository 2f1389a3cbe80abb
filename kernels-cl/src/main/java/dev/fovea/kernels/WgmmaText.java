package dev.fovea.kernels;

import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Writes {@code wgmma.clh}: the products of a warpgroup (PTX ISA, "wgmma.mma_async"), which name each register of an accumulator, so that
 * their text depends on its width.
 */
final class WgmmaText {
    private WgmmaText() {}

    /**
     * Products of 64 rows.
     *
     * @param type bf16 or f16
     * @param keys columns of the scores, a multiple of 8 up to 256
     * @param columns columns of the values, likewise
     */
    static String of(String type, int keys, int columns) {
        int s = keys / 2;
        int o = columns / 2;
        return "#ifndef FOVEA_WGMMA\n#define FOVEA_WGMMA\n"
                + "#define MULTIPLY_SCORES(Q, K, MORE) asm volatile(\"//# {.reg .pred p; setp.ne.b32 p, %" + (s + 2)
                + ", 0; wgmma.mma_async.sync.aligned.m64n" + keys + "k16.f32." + type + "." + type + " {"
                + operands(0, s) + "}, %" + s + ", %" + (s + 1) + ", p, 1, 1, 0, 0;}\" : " + registers("s", s)
                + " : \"l\"(Q), \"l\"(K), \"r\"((int)(MORE)))\n"
                + "#define MULTIPLY_VALUES(O, P, I, V, MORE) asm volatile(\"//# {.reg .pred p; setp.ne.b32 p, %"
                + (o + 5) + ", 0; wgmma.mma_async.sync.aligned.m64n" + columns + "k16.f32." + type + "." + type + " {"
                + operands(0, o) + "}, {" + operands(o, 4) + "}, %" + (o + 4) + ", p, 1, 1, 1;}\" : "
                + registers("O", o)
                + " : \"r\"(P[4 * (I)]), \"r\"(P[4 * (I) + 1]), \"r\"(P[4 * (I) + 2]), \"r\"(P[4 * (I) + 3]), \"l\"(V),"
                + " \"r\"((int)(MORE)))\n"
                + wait("WAIT_SCORES(N)", "s", s) + wait("WAIT_OUTPUTS(O, N)", "O", o) + "#endif\n";
    }

    /** The wait names the registers, too: the compiler must not read them before. */
    private static String wait(String name, String array, int n) {
        return "#define " + name + " asm volatile(\"//# wgmma.wait_group.sync.aligned \" TEXT(N) \";\" : "
                + registers(array, n) + " : : \"memory\")\n";
    }

    private static String registers(String array, int n) {
        return IntStream.range(0, n)
                .mapToObj(i -> "\"+f\"(" + array + "[" + i + "])")
                .collect(Collectors.joining(", "));
    }

    private static String operands(int from, int n) {
        return IntStream.range(from, from + n).mapToObj(i -> "%" + i).collect(Collectors.joining(", "));
    }
}
