package dev.fovea.tools.npy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.DType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class NpyFileTest {
    @TempDir
    private Path folder;

    private Path file(int major, String header, int... data) throws IOException {
        return file(major, header.getBytes(StandardCharsets.UTF_8), data);
    }

    private Path file(int major, byte[] header, int... data) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) major, 0});
        for (int i = 0; i < (major == 1 ? 2 : 4); i++) {
            bytes.write(header.length >> 8 * i);
        }
        bytes.write(header);
        for (int b : data) {
            bytes.write(b);
        }
        return Files.write(folder.resolve("a.npy"), bytes.toByteArray());
    }

    private static float[] floats(Path file) throws IOException {
        try (NpyFile f = NpyFile.open(file)) {
            return f.floats();
        }
    }

    @ParameterizedTest
    @EnumSource(NpyType.class)
    void whatIsWrittenIsRead(NpyType type) throws IOException {
        double[] values = {0, 1, 1, 0, 1, 0};
        Path file = NpyFiles.write(folder.resolve("a.npy"), type, values, 2, 3);
        try (NpyFile f = NpyFile.open(file)) {
            assertThat(f.type()).isEqualTo(type);
            assertThat(f.shape()).containsExactly(2, 3);
            if (type.isFloat()) {
                assertThat(f.floats()).containsExactly(0, 1, 1, 0, 1, 0);
            } else if (type.isInteger()) {
                assertThat(f.ints()).containsExactly(0, 1, 1, 0, 1, 0);
            } else {
                byte[] bools = new byte[6];
                f.read(0, DType.BOOL, MemorySegment.ofArray(bools));
                assertThat(bools).containsExactly(0, 1, 1, 0, 1, 0);
            }
        }
    }

    @Test
    void theDataBeginsAtAMultipleOf64() {
        for (long[] shape : new long[][] {{}, {3}, {2, 3}, {1, 2, 3, 1_000_000_007}}) {
            assertThat(NpyOutput.header(NpyType.FLOAT32, shape).length % 64).isZero();
        }
        assertThat(new String(NpyOutput.header(NpyType.BOOL, 3), StandardCharsets.ISO_8859_1))
                .contains("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void versions(int major) throws IOException {
        Path file = file(major, "{'descr': '<i4', 'fortran_order': False, 'shape': (1,), }\n", 7, 0, 0, 0);
        try (NpyFile f = NpyFile.open(file)) {
            assertThat(f.ints()).containsExactly(7);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "() | 0",
                "(5,) | 1",
                "(5,1,1) | 3",
                "(1, 5, 1, 1) | 4",
                "(5L, 1L) | 2",
            })
    void ranks(String shape, int rank) throws IOException {
        int count = rank == 0 ? 1 : 5;
        Path file = file(1, "{'descr': '|b1', 'fortran_order': False, 'shape': " + shape + ", }\n", new int[count]);
        try (NpyFile f = NpyFile.open(file)) {
            assertThat(f.rank()).isEqualTo(rank);
            assertThat(f.elementCount()).isEqualTo(count);
        }
    }

    @Test
    void theKeysComeInAnyOrderAndQuotes() throws IOException {
        Path file = file(1, "{\"shape\": (1,), 'fortran_order': True, 'descr': \"<f4\"}", 0, 0, 128, 63);
        assertThat(floats(file)).containsExactly(1);
    }

    @Test
    void bigEndian() throws IOException {
        assertThat(floats(file(1, "{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", 63, 128, 0, 0)))
                .containsExactly(1);
        assertThat(floats(file(1, "{'descr': '>f2', 'fortran_order': False, 'shape': (1,), }", 60, 0)))
                .containsExactly(1);
        ByteBuffer eight = ByteBuffer.allocate(8).putDouble(-2.5);
        int[] bytes = new int[8];
        for (int i = 0; i < 8; i++) {
            bytes[i] = eight.get(i);
        }
        assertThat(floats(file(1, "{'descr': '>f8', 'fortran_order': False, 'shape': (1,), }", bytes)))
                .containsExactly(-2.5f);
    }

    @Test
    void fortranOrderBecomesRowMajor() throws IOException {
        ByteBuffer data = ByteBuffer.allocate(24 * 4).order(ByteOrder.LITTLE_ENDIAN);
        for (int d = 0; d < 4; d++) { // first axis fastest
            for (int c = 0; c < 3; c++) {
                for (int b = 0; b < 2; b++) {
                    data.putFloat(b * 100 + c * 10 + d);
                }
            }
        }
        int[] bytes = new int[data.capacity()];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = data.get(i);
        }
        Path file = file(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3, 4), }", bytes);
        float[] expected = new float[24];
        for (int i = 0; i < 24; i++) {
            expected[i] = i / 12 * 100 + i / 4 % 3 * 10 + i % 4;
        }
        assertThat(floats(file)).containsExactly(expected);
        try (NpyFile f = NpyFile.open(file)) {
            float[] part = new float[5];
            f.read(7, DType.F32, MemorySegment.ofArray(part));
            assertThat(part).containsExactly(13, 20, 21, 22, 23);
        }
    }

    @Test
    void nansKeepBeingNansInEveryType() throws IOException {
        Path file = NpyFiles.write(folder.resolve("a.npy"), NpyType.FLOAT64, new double[] {Double.NaN, 1e300}, 2);
        assertThat(floats(file)).containsExactly(Float.NaN, Float.POSITIVE_INFINITY);
        try (NpyFile f = NpyFile.open(file)) {
            short[] two = new short[2];
            f.read(0, DType.BF16, MemorySegment.ofArray(two));
            assertThat(two[0] & 0x7fff).isGreaterThan(0x7f80);
            f.read(0, DType.F16, MemorySegment.ofArray(two));
            assertThat(two[0] & 0x7fff).isGreaterThan(0x7c00);
        }
    }

    @Test
    void bf16RoundsToNearestEven() throws IOException {
        double[] values = {1 + 0x1p-8, 1 + 3 * 0x1p-8, 1 + 0x1p-8 + 0x1p-20};
        Path file = NpyFiles.write(folder.resolve("a.npy"), NpyType.FLOAT32, values, 3);
        try (NpyFile f = NpyFile.open(file)) {
            short[] got = new short[3];
            f.read(0, DType.BF16, MemorySegment.ofArray(got));
            assertThat(got).containsExactly((short) 0x3f80, (short) 0x3f82, (short) 0x3f81);
        }
    }

    @Test
    void int64OutOfRangeIsAnError() throws IOException {
        Path file = NpyFiles.write(folder.resolve("a.npy"), NpyType.INT64, new double[] {1, 3e9}, 2);
        try (NpyFile f = NpyFile.open(file)) {
            assertThatThrownBy(f::ints).hasMessageContaining("3000000000 does not fit into 32 bits");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000000000, 1000000000000000000), } | larger than any file",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), } | larger than any file",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), } | larger than any array",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), } | a size of at least 0",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000,), } | truncated",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1), } | not a tuple",
                "{'descr': '<f4', 'fortran_order': False, 'shape': [1], } | expected '('",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2), } | a comma",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2**40,), } | a comma or a closing parenthesis",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), } | at most 8",
                "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,), } | True or False",
                "{'descr': '<f4', 'shape': (1,), } | must name",
                "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), } | twice",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1} | unknown key 'x'",
                "{'descr': '\u00a6u1', 'fortran_order': False, 'shape': (1,), } | float16, float32, float64, bool, int32, int64",
                "{'descr': '<c8', 'fortran_order': False, 'shape': (1,), } | '<c8' is not read",
                "{'descr': '\u00a6O', 'fortran_order': False, 'shape': (1,), } | '\u00a6O' is not read",
                "{'descr': 'f4', 'fortran_order': False, 'shape': (1,), } | no byte order",
                "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), } | structured",
                "__import__('os').system('x') | expected '{'",
                "{'descr': __import__('os').getcwd(), 'fortran_order': False, 'shape': (1,), } | a quoted string",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } + {} | nothing after",
                "{'descr': '<f4 | a quoted string",
                "`` | its end",
            })
    void hostileHeaders(String header, String reason) throws IOException {
        // JUnit's CSV cannot hold the delimiter: the two cases with | in them are spelled with a broken bar
        Path file = file(1, header.replace('\u00a6', '|'), 0, 0, 0, 0);
        assertThatThrownBy(() -> NpyFile.open(file))
                .isInstanceOf(NpyFormatException.class)
                .hasMessageStartingWith(file + ": ")
                .hasMessageContaining(reason.replace('\u00a6', '|'))
                .hasMessageNotContaining("\n");
    }

    @Test
    void truncatedAnywhereIsAnError() throws IOException {
        byte[] whole = Files.readAllBytes(NpyFiles.write(folder.resolve("w.npy"), NpyType.FLOAT32, 3, 4));
        for (int length = 0; length < whole.length; length++) {
            Path cut = Files.write(folder.resolve("cut.npy"), java.util.Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> NpyFile.open(cut)).isInstanceOf(NpyFormatException.class);
        }
        Path longer = Files.write(folder.resolve("cut.npy"), java.util.Arrays.copyOf(whole, whole.length + 1));
        assertThatThrownBy(() -> NpyFile.open(longer)).hasMessageContaining("longer than its header says");
    }

    @Test
    void absurdHeaderLengths() throws IOException {
        byte[] bytes = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 2, 0, -1, -1, -1, -1, '{'};
        Path file = Files.write(folder.resolve("a.npy"), bytes);
        assertThatThrownBy(() -> NpyFile.open(file)).hasMessageContaining("4294967295 bytes is not believable");
        bytes[6] = 1;
        bytes[8] = 100;
        bytes[9] = 0;
        Files.write(file, bytes);
        assertThatThrownBy(() -> NpyFile.open(file)).hasMessageContaining("truncated inside its header");
        bytes[6] = 9;
        Files.write(file, bytes);
        assertThatThrownBy(() -> NpyFile.open(file)).hasMessageContaining("version 9.0 is not known");
        Files.writeString(file, "P6 640 480 255");
        assertThatThrownBy(() -> NpyFile.open(file)).hasMessageContaining("not an NPY file");
        assertThatThrownBy(() -> NpyFile.open(folder)).hasMessageContaining("not a regular file");
    }

    @Test
    void anUnfinishedOutputLeavesTheTargetAsItWas() throws IOException {
        Path target = Files.writeString(folder.resolve("o.npy"), "before");
        try (NpyOutput output = NpyOutput.create(target, NpyType.FLOAT32, 1)) {
            output.write(MemorySegment.ofArray(new byte[4]));
        }
        assertThat(target).hasContent("before");
        assertThat(folder.toFile().list()).containsExactly("o.npy");
    }
}
