package dev.fovea.demo;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Sentences as token ids, padded at the right to one length.
 *
 * @param ids [B, S], row-major; 0 ([PAD]) beyond a sentence's end
 * @param lengths valid tokens of each sentence, [B], at least 1
 * @param width S
 */
record TokenBatch(List<Integer> ids, List<Integer> lengths, int width) {
    static TokenBatch of(List<long[]> sentences) {
        int width = sentences.stream().mapToInt(s -> s.length).max().orElse(0);
        List<Integer> ids = sentences.stream()
                .flatMap(s -> IntStream.range(0, width).mapToObj(i -> i < s.length ? (int) s[i] : 0))
                .toList();
        return new TokenBatch(ids, sentences.stream().map(s -> s.length).toList(), width);
    }

    /** B, the number of sentences. */
    int size() {
        return lengths.size();
    }

    /** The sum of the lengths. */
    int tokens() {
        return lengths.stream().mapToInt(Integer::intValue).sum();
    }

    /** Which tokens are no padding: [B, S], row-major. */
    boolean[] valid() {
        boolean[] valid = new boolean[size() * width];
        for (int b = 0; b < size(); b++) {
            Arrays.fill(valid, b * width, b * width + lengths.get(b), true);
        }
        return valid;
    }
}
