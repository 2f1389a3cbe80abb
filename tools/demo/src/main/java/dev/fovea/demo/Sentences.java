package dev.fovea.demo;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Lists of sentences: UTF-8 text, one a line; empty lines and lines that begin with # are left out. */
final class Sentences {
    private static final String BUILT_IN = "sentences.txt";

    private Sentences() {}

    /** Eight sentences of different topics, then a paraphrase of each. */
    static List<String> builtIn() throws IOException {
        try (InputStream in = Sentences.class.getResourceAsStream(BUILT_IN)) {
            if (in == null) {
                throw new IOException(BUILT_IN + " is not in the demo's jar: build it again");
            }
            return read(new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList());
        }
    }

    /** The sentences of a file. */
    static List<String> of(Path file) throws IOException {
        try {
            return read(Files.readAllLines(file));
        } catch (CharacterCodingException e) {
            throw new IOException(file + " is not UTF-8 text", e);
        }
    }

    private static List<String> read(List<String> lines) {
        return lines.stream()
                .map(String::strip)
                .filter(l -> !l.isEmpty() && !l.startsWith("#"))
                .toList();
    }
}
