package dev.fovea.tools.expressions;

import dev.fovea.api.expr.MaskAnalysis.Verdict;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A verdict map as a picture: title, axes in queries and keys, a square a tile, legend with counts. */
final class MapPicture {
    private static final int SIDE = 720;
    private static final int LEFT = 90;
    private static final int RIGHT = 40;
    private static final int SCALE = 2;
    private static final int LINE = 10 * SCALE;

    private static final int PAPER = 0xffffff;
    private static final int INK = 0x202020;
    private static final int SKIP = 0xe8e8e8;
    private static final int PARTIAL = 0xe69f00;
    private static final int FULL = 0x0072b2;

    private final VerdictMap map;
    private final VerdictMap.Shape shape;
    private final int group;
    private final int cell;
    private final int mapWidth;
    private final int mapHeight;
    private final List<String> title;
    private final int top;

    private MapPicture(VerdictMap map, String title) {
        this.map = map;
        this.shape = map.shape();
        int longest = Math.max(1, Math.max(shape.rows(), shape.columns()));
        this.group = Math.ceilDiv(longest, SIDE);
        this.cell = Math.clamp((long) SIDE / Math.ceilDiv(longest, group), 1, 48);
        this.mapWidth = Math.ceilDiv(shape.columns(), group) * cell;
        this.mapHeight = Math.ceilDiv(shape.rows(), group) * cell;
        this.title = wrapped(title, (width() - 2 * SCALE * 5) / Canvas.width("m", SCALE));
        this.top = LINE * (this.title.size() + 3);
    }

    /** Writes the picture; a file is replaced only by a whole one. */
    static void write(VerdictMap map, String title, Path file) throws IOException {
        Canvas canvas = new MapPicture(map, title).draw();
        Path folder = file.toAbsolutePath().getParent();
        Path temporary = Files.createTempFile(folder, "fovea", ".tmp");
        try {
            try (OutputStream out = Files.newOutputStream(temporary)) {
                canvas.writePng(out);
            }
            Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    private int width() {
        return LEFT + Math.max(mapWidth, 460) + RIGHT;
    }

    private Canvas draw() {
        Canvas canvas = new Canvas(width(), top + mapHeight + LINE * 6, PAPER);
        for (int i = 0; i < title.size(); i++) {
            canvas.text(5 * SCALE, LINE / 2 + i * LINE, title.get(i), SCALE, INK);
        }
        canvas.rectangle(LEFT - 2, top - 2, mapWidth + 4, mapHeight + 4, INK);
        for (int row = 0; row * cell < mapHeight; row++) {
            for (int column = 0; column * cell < mapWidth; column++) {
                int gap = cell >= 8 ? 1 : 0;
                canvas.rectangle(LEFT + column * cell, top + row * cell, cell, cell, PAPER);
                canvas.rectangle(LEFT + column * cell, top + row * cell, cell - gap, cell - gap, colour(row, column));
            }
        }
        axes(canvas);
        legend(canvas, top + mapHeight + LINE);
        return canvas;
    }

    /** The colour of a tile; of a group of tiles the mean. */
    private int colour(int row, int column) {
        long red = 0;
        long green = 0;
        long blue = 0;
        int count = 0;
        for (int r = row * group; r < Math.min((row + 1) * group, shape.rows()); r++) {
            for (int c = column * group; c < Math.min((column + 1) * group, shape.columns()); c++) {
                int rgb = switch (map.at(r, c)) {
                    case SKIP -> SKIP;
                    case PARTIAL -> PARTIAL;
                    case FULL -> FULL;
                };
                red += rgb >> 16;
                green += rgb >> 8 & 255;
                blue += rgb & 255;
                count++;
            }
        }
        return (int) (red / count << 16 | green / count << 8 | blue / count);
    }

    private void axes(Canvas canvas) {
        canvas.text(LEFT, top - 5 * LINE / 2, "key", SCALE, INK);
        canvas.text(5 * SCALE, top - LINE, "query", SCALE, INK);
        int step = step(mapWidth / cell);
        for (int i = 0; i * cell < mapWidth; i += step) {
            long key = (long) i * group * shape.tileKeys();
            canvas.rectangle(LEFT + i * cell, top - 8, 2, 6, INK);
            canvas.text(LEFT + i * cell, top - LINE - 6, "" + key, SCALE, INK);
        }
        step = step(mapHeight / cell);
        for (int i = 0; i * cell < mapHeight; i += step) {
            String query = "" + (long) i * group * shape.tileQueries();
            canvas.rectangle(LEFT - 8, top + i * cell, 6, 2, INK);
            canvas.text(LEFT - 12 - Canvas.width(query, SCALE), top + i * cell, query, SCALE, INK);
        }
    }

    /** Cells between two ticks of some six: a power of two, for round numbers. */
    private static int step(int cells) {
        return Math.max(1, Integer.highestOneBit(Math.max(1, Math.ceilDiv(cells, 6) * 2 - 1)));
    }

    private void legend(Canvas canvas, int y) {
        entry(canvas, y, SKIP, "skipped: no pair visible", Verdict.SKIP);
        entry(canvas, y + LINE, PARTIAL, "partial: masked by pair", Verdict.PARTIAL);
        entry(canvas, y + 2 * LINE, FULL, "full: no mask computed", Verdict.FULL);
        String tiles = String.format(
                Locale.ROOT,
                "tiles of %d x %d, %.1f %% of the pairs computed",
                shape.tileQueries(),
                shape.tileKeys(),
                100 * map.computed());
        canvas.text(5 * SCALE, y + 4 * LINE - LINE / 2, tiles, SCALE, INK);
    }

    private void entry(Canvas canvas, int y, int rgb, String what, Verdict v) {
        canvas.rectangle(5 * SCALE, y, 7 * SCALE, 7 * SCALE, INK);
        canvas.rectangle(5 * SCALE + 1, y + 1, 7 * SCALE - 2, 7 * SCALE - 2, rgb);
        String share =
                String.format(Locale.ROOT, "%-25s %5.1f %%", what, 100.0 * map.count(v) / Math.max(1, map.tiles()));
        canvas.text(16 * SCALE, y, share, SCALE, INK);
    }

    private static List<String> wrapped(String text, int characters) {
        List<String> lines = new ArrayList<>();
        String rest = text;
        while (rest.length() > characters && lines.size() < 3) {
            int space = rest.lastIndexOf(' ', characters);
            int end = space > characters / 2 ? space : characters;
            lines.add(rest.substring(0, end));
            rest = rest.substring(end).strip();
        }
        lines.add(rest.length() > characters ? rest.substring(0, characters - 3) + "..." : rest);
        return lines;
    }
}
