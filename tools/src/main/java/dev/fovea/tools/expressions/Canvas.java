package dev.fovea.tools.expressions;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;

/**
 * A picture with rectangles and text, written as PNG (ISO/IEC 15948). By hand, since java.desktop would double the runtime that the
 * launcher ships and needs fonts that servers lack.
 */
final class Canvas {
    /** Glyphs of 5 columns from bit 0 at the top, for the characters from space to tilde. */
    private static final String FONT = """
            0000000000 00005f0000 0007000700 147f147f14 242a7f2a12 2313086462 3649552250 0005030000 001c224100 0041221c00
            14083e0814 08083e0808 0050300000 0808080808 0060600000 2010080402 3e5149453e 00427f4000 4261514946 2141454b31
            1814127f10 2745454539 3c4a494930 0171090503 3649494936 064949291e 0036360000 0056360000 0814224100 1414141414
            0041221408 0201510906 324979413e 7e1111117e 7f49494936 3e41414122 7f4141221c 7f49494941 7f09090901 3e4149497a
            7f0808087f 00417f4100 2040413f01 7f08142241 7f40404040 7f020c027f 7f0408107f 3e4141413e 7f09090906 3e4151215e
            7f09192946 4649494931 01017f0101 3f4040403f 1f2040201f 3f4038403f 6314081463 0708700807 6151494543 007f414100
            0204081020 0041417f00 0402010204 4040404040 0001020400 2054545478 7f48444438 3844444420 384444487f 3854545418
            087e090102 0c5252523e 7f08040478 00447d4000 2040443d00 7f10284400 00417f4000 7c04180478 7c08040478 3844444438
            7c14141408 081414187c 7c08040408 4854545420 043f444020 3c4040207c 1c2040201c 3c4030403c 4428102844 0c5050503c
            4464544c44 0008364100 00007f0000 0041360800 1008081008
            """.replaceAll("\\s", "");

    private static final int COLUMNS = 5;

    private final int width;
    private final int height;
    private final int[] pixels;

    Canvas(int width, int height, int background) {
        this.width = width;
        this.height = height;
        this.pixels = new int[width * height];
        Arrays.fill(pixels, background);
    }

    /** Width of a text in pixels. */
    static int width(String text, int scale) {
        return text.length() * (COLUMNS + 1) * scale;
    }

    void rectangle(int x, int y, int w, int h, int rgb) {
        for (int row = Math.max(0, y); row < Math.min(height, y + h); row++) {
            Arrays.fill(pixels, row * width + Math.max(0, x), row * width + Math.min(width, x + w), rgb);
        }
    }

    void text(int x, int y, String text, int scale, int rgb) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i) < ' ' || text.charAt(i) > '~' ? '?' : text.charAt(i);
            for (int column = 0; column < COLUMNS; column++) {
                int at = 2 * (COLUMNS * (c - ' ') + column);
                int bits = Integer.parseInt(FONT, at, at + 2, 16);
                for (int row = 0; row < 7; row++) {
                    if ((bits >> row & 1) != 0) {
                        int left = x + (i * (COLUMNS + 1) + column) * scale;
                        rectangle(left, y + row * scale, scale, scale, rgb);
                    }
                }
            }
        }
    }

    void writePng(OutputStream out) throws IOException {
        DataOutputStream data = new DataOutputStream(out);
        data.write(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'});
        ByteArrayOutputStream header = new ByteArrayOutputStream();
        DataOutputStream fields = new DataOutputStream(header);
        fields.writeInt(width);
        fields.writeInt(height);
        fields.write(new byte[] {8, 2, 0, 0, 0}); // 8 bits, RGB, the one compression and filter method, not interlaced
        chunk(data, "IHDR", header.toByteArray());
        ByteArrayOutputStream image = new ByteArrayOutputStream();
        try (DeflaterOutputStream deflated = new DeflaterOutputStream(image)) {
            byte[] line = new byte[1 + 3 * width];
            for (int y = 0; y < height; y++) {
                for (int x = 0; x < width; x++) {
                    int rgb = pixels[y * width + x];
                    line[1 + 3 * x] = (byte) (rgb >> 16);
                    line[2 + 3 * x] = (byte) (rgb >> 8);
                    line[3 + 3 * x] = (byte) rgb;
                }
                deflated.write(line);
            }
        }
        chunk(data, "IDAT", image.toByteArray());
        chunk(data, "IEND", new byte[0]);
        data.flush();
    }

    private static void chunk(DataOutputStream out, String type, byte[] content) throws IOException {
        byte[] name = type.getBytes(StandardCharsets.US_ASCII);
        CRC32 crc = new CRC32();
        crc.update(name);
        crc.update(content);
        out.writeInt(content.length);
        out.write(name);
        out.write(content);
        out.writeInt((int) crc.getValue());
    }
}
