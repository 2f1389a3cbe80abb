package dev.fovea.tools.mechanisms;

import dev.fovea.mechanisms.Mechanism;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How long the source of a mechanism is, after its imports, without blank lines and comments.
 *
 * @param declared lines of the constants that declare it and its parameters
 * @param code all others
 */
record SourceLines(int declared, int code) {
    private static final Pattern COMMENT = Pattern.compile("(?s)/\\*.*?\\*/");
    private static final Pattern DECLARED =
            Pattern.compile("(?sm)^    private static final (?:Declaration|Parameter<.+?>) \\w+\\s*=.*?;\n");

    static SourceLines of(Mechanism m) {
        String source = source(m);
        Matcher declared = DECLARED.matcher(withoutStrings(source));
        int lines = 0;
        while (declared.find()) {
            lines += count(declared.group());
        }
        return new SourceLines(lines, count(withoutStrings(source)) - lines);
    }

    int all() {
        return declared + code;
    }

    static String source(Mechanism m) {
        Class<?> type = m.getClass();
        String name = type.getName().replace('.', '/');
        return read(Path.of("../mechanisms/src/main/java/" + name + ".java"));
    }

    /** Lines of a file that several mechanisms share. */
    static int ofFile(Path file) {
        return count(withoutStrings(read(file)));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Texts may hold what looks like the end of a statement or of a comment; their lines still count. */
    private static String withoutStrings(String source) {
        String plain = Pattern.compile("(?s)\"\"\"(.*?)\"\"\"")
                .matcher(source)
                .replaceAll(r -> Matcher.quoteReplacement(r.group().replaceAll("[^\n\\s]", "t")));
        return COMMENT.matcher(plain.replaceAll("\"(?:[^\"\\\\\n]|\\\\.)*\"", "\"\""))
                .replaceAll("");
    }

    private static int count(String text) {
        List<String> lines = text.lines().map(String::strip).toList();
        return (int) lines.stream()
                .filter(l -> !l.isEmpty() && !l.startsWith("//"))
                .filter(l -> !l.startsWith("import ") && !l.startsWith("package "))
                .count();
    }
}
