package dev.fovea.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Cosines between all pairs of sentences.
 *
 * @param sentences at least two
 * @param vectors one a sentence, of length 1
 */
record Similarity(List<String> sentences, List<float[]> vectors) {
    private static final int TEXT = 50;

    // more columns do not fit a terminal; --json has them all
    private static final int MATRIX = 40;

    /** Cosine of two sentences, by index. */
    double cosine(int i, int j) {
        return Embeddings.cosine(vectors.get(i), vectors.get(j));
    }

    /** The other sentence most like this one, by index. */
    int nearest(int i) {
        return IntStream.range(0, sentences.size())
                .filter(j -> j != i)
                .boxed()
                .max((a, b) -> Double.compare(cosine(i, a), cosine(i, b)))
                .orElseThrow();
    }

    /** A table of nearest neighbours, then, for up to 40 sentences, the matrix in hundredths. */
    List<String> lines() {
        List<String> lines = new ArrayList<>();
        int width =
                Math.min(TEXT, sentences.stream().mapToInt(String::length).max().orElse(0));
        lines.add(String.format(Locale.ROOT, "%3s  %-" + width + "s  nearest other sentence", "#", "sentence"));
        for (int i = 0; i < sentences.size(); i++) {
            int j = nearest(i);
            lines.add(String.format(
                    Locale.ROOT,
                    "%3d  %-" + width + "s  %.3f  %2d  %s",
                    i + 1,
                    cut(sentences.get(i)),
                    cosine(i, j),
                    j + 1,
                    cut(sentences.get(j))));
        }
        if (sentences.size() > MATRIX) {
            return lines;
        }
        lines.add("");
        lines.add("cosines in hundredths");
        StringBuilder head = new StringBuilder("    ");
        for (int j = 0; j < sentences.size(); j++) {
            head.append(String.format(Locale.ROOT, "%4d", j + 1));
        }
        lines.add(head.toString());
        for (int i = 0; i < sentences.size(); i++) {
            StringBuilder row = new StringBuilder(String.format(Locale.ROOT, "%4d", i + 1));
            for (int j = 0; j < sentences.size(); j++) {
                row.append(i == j ? "   ·" : String.format(Locale.ROOT, "%4d", Math.round(100 * cosine(i, j))));
            }
            lines.add(row.toString());
        }
        return lines;
    }

    private static String cut(String text) {
        return text.length() <= TEXT ? text : text.substring(0, TEXT - 1) + "…";
    }
}
