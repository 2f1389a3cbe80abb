package dev.fovea.demo;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The network's own WordPiece tokenizer. */
final class SentenceTokenizer implements AutoCloseable {
    /** Tokens of a sentence, [CLS] and [SEP] included, beyond which it is cut. */
    static final int MAX_TOKENS = 128;

    private final HuggingFaceTokenizer tokenizer;

    /** @param json the content of the network's tokenizer.json */
    SentenceTokenizer(byte[] json) throws IOException {
        // before the first use of a DJL class: without it DJL reports each start to its makers' server and looks for
        // CUDA libraries
        // to download
        System.setProperty("ai.djl.offline", "true");
        tokenizer = HuggingFaceTokenizer.newInstance(
                new ByteArrayInputStream(json),
                Map.of("padding", "false", "truncation", "true", "maxLength", Integer.toString(MAX_TOKENS)));
    }

    /** Batches of at most {@code size} sentences each, in the given order. */
    List<TokenBatch> batches(List<String> sentences, int size) {
        List<TokenBatch> batches = new ArrayList<>();
        for (int from = 0; from < sentences.size(); from += size) {
            List<String> some = sentences.subList(from, Math.min(sentences.size(), from + size));
            batches.add(TokenBatch.of(
                    some.stream().map(s -> tokenizer.encode(s).getIds()).toList()));
        }
        return batches;
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
