package dev.fovea.tools.mechanisms;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Mechanisms;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What docs/mechanisms.md says of the mechanisms is what they are: its parts between {@code <!-- begin NAME -->} and
 * {@code <!-- end NAME -->} are made here, and written by {@code -Dfovea.docs=write}.
 */
class MechanismDocsTest {
    private static final Path FILE = Path.of("../docs/mechanisms.md");
    private static final String COMMAND =
            "mvn -q -B test -pl tools -am -Dsurefire.failIfNoSpecifiedTests=false -Dtest=MechanismDocsTest -Dfovea.docs=write";

    @Test
    void theDocumentSaysWhatIsThere() throws IOException {
        String before = Files.readString(FILE);
        String text = before;
        for (Map.Entry<String, String> part : parts().entrySet()) {
            String begin = "<!-- begin " + part.getKey() + " -->\n";
            String end = "<!-- end " + part.getKey() + " -->";
            assertThat(text).contains(begin, end);
            text = text.substring(0, text.indexOf(begin) + begin.length())
                    + part.getValue()
                    + text.substring(text.indexOf(end));
        }
        if ("write".equals(System.getProperty("fovea.docs"))) {
            Files.writeString(FILE, text);
        } else {
            assertThat(before)
                    .as("docs/mechanisms.md is stale; write it anew: " + COMMAND)
                    .isEqualTo(text);
        }
        assertThat(text).as("the command stands in the document").contains(COMMAND);
    }

    private static Map<String, String> parts() throws IOException {
        List<Mechanism> all = Mechanisms.all();
        Comparator<Mechanism> byLength =
                Comparator.comparingInt(m -> SourceLines.of(m).all());
        Map<String, String> parts = new LinkedHashMap<>();
        parts.put("table", table(all));
        parts.put("lines", lines(all));
        parts.put("shortest", source(all.stream().min(byLength).orElseThrow()));
        parts.put("longest", source(all.stream().max(byLength).orElseThrow()));
        return parts;
    }

    private static String table(List<Mechanism> all) {
        List<String> rows = new ArrayList<>();
        rows.add("| id | family | paper | status | lines | of them code |");
        rows.add("|---|---|---|---|---|---|");
        for (Mechanism m : all) {
            Declaration d = m.declaration();
            SourceLines lines = SourceLines.of(m);
            String status = d.missing().isEmpty() ? "whole" : "partly; missing: " + d.missing();
            rows.add("| "
                    + String.join(
                            " | ",
                            "`" + d.id() + "`",
                            d.family(),
                            d.title() + " (" + d.citation() + ")",
                            status,
                            "" + lines.all(),
                            "" + lines.code())
                    + " |");
        }
        return String.join("\n", rows) + "\n";
    }

    private static String lines(List<Mechanism> all) throws IOException {
        List<Path> shared = shared(all);
        long whole =
                all.stream().filter(m -> m.declaration().missing().isEmpty()).count();
        String text = all.size() + " mechanisms, " + whole
                + " of them whole. Lines of the source after its imports, without blank"
                + " lines and comments: median "
                + median(all.stream().map(m -> SourceLines.of(m).all()).toList())
                + "; without the constants that declare the mechanism and its parameters: median "
                + median(all.stream().map(m -> SourceLines.of(m).code()).toList()) + ".";
        if (!shared.isEmpty()) {
            text += " Shared by several: "
                    + shared.stream()
                            .map(p -> "`" + p.getFileName().toString().replace(".java", "") + "` ("
                                    + SourceLines.ofFile(p) + ")")
                            .collect(Collectors.joining(", "))
                    + ".";
        }
        return text + "\n";
    }

    private static List<Path> shared(List<Mechanism> all) throws IOException {
        Set<String> own =
                all.stream().map(m -> m.getClass().getSimpleName() + ".java").collect(Collectors.toSet());
        try (Stream<Path> files = Files.walk(Path.of("../mechanisms/src/main/java/dev/fovea/mechanisms"), 2)) {
            return files.filter(f -> f.getNameCount() > 9 && f.toString().endsWith(".java"))
                    .filter(f -> !own.contains(f.getFileName().toString()) && !f.endsWith("package-info.java"))
                    .sorted()
                    .toList();
        }
    }

    private static String median(List<Integer> numbers) {
        List<Integer> sorted = numbers.stream().sorted().toList();
        int n = sorted.size();
        double middle = (sorted.get((n - 1) / 2) + sorted.get(n / 2)) / 2.0;
        return middle == Math.rint(middle) ? "" + (int) middle : "" + middle;
    }

    private static String source(Mechanism m) {
        SourceLines lines = SourceLines.of(m);
        return "`" + m.declaration().id() + "`, " + lines.all() + " lines, " + lines.code()
                + " without what declares it:\n\n```java\n" + SourceLines.source(m) + "```\n";
    }

    /** Files, classes and commands that the document names are there. */
    @Test
    void whatItNamesExists() throws IOException {
        String text = Files.readString(FILE);
        Matcher paths = Pattern.compile("`((?:mechanisms|conformance-tests|tools|docs)/[\\w./-]+)`")
                .matcher(text);
        int found = 0;
        while (paths.find()) {
            assertThat(Path.of("..", paths.group(1))).exists();
            found++;
        }
        assertThat(found).isGreaterThan(3);
    }

    @Test
    void linesAreCountedAsTheDocumentSays() {
        Mechanism flashBias = Mechanisms.find("flashbias");
        SourceLines lines = SourceLines.of(flashBias);
        assertThat(lines.all()).isBetween(40, 60);
        assertThat(lines.declared()).isBetween(15, 30);
    }
}
