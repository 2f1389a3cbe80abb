package dev.fovea.tools.attend;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import dev.fovea.tools.FailureText;
import dev.fovea.tools.UsageException;
import java.io.EOFException;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/**
 * Many calls as JSON lines: an object a line, whose keys are the long option names without dashes. A line becomes arguments for
 * the parser of the flags, so that both mean the same.
 */
final class CasesFile {
    private static final String NAME = "name";
    /** Keys whose value may be an array of strings. */
    private static final Set<String> REPEATABLE = Set.of("capture", "scalar", "scores");

    private static final Pattern COLUMN = Pattern.compile("column (\\d+)");

    private CasesFile() {}

    /** A line of the file that is not blank. */
    record Line(int number, String text) {}

    /**
     * A call as a line describes it.
     *
     * @param name what the line calls itself, or nothing
     */
    record Case(String name, List<String> arguments) {
        Case {
            arguments = List.copyOf(arguments);
        }

        AttendOptions options() {
            AttendOptions options = new AttendOptions();
            try {
                AttendCommand.parser(options).parseArgs(arguments.toArray(String[]::new));
            } catch (ParameterException e) {
                throw new UsageException(FailureText.of(e).sentence());
            }
            return options;
        }
    }

    static List<Line> lines(Path file) throws IOException {
        List<String> all;
        try {
            all = Files.readAllLines(file, StandardCharsets.UTF_8);
        } catch (MalformedInputException e) {
            throw new UsageException("--cases: " + file + " is not UTF-8 text");
        }
        List<Line> lines = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            if (!all.get(i).isBlank()) {
                lines.add(new Line(i + 1, all.get(i)));
            }
        }
        return lines;
    }

    /** Reads a line; the name is set in {@code seenName} as soon as it is known, so that errors further on can say it. */
    static Case parse(String line, StringBuilder seenName) {
        Set<String> options = CommandLine.Model.CommandSpec.forAnnotatedObject(new AttendOptions())
                .optionsMap()
                .keySet();
        List<String> arguments = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        try (JsonReader reader = new JsonReader(new StringReader(line))) {
            reader.setStrictness(Strictness.STRICT);
            if (reader.peek() != JsonToken.BEGIN_OBJECT) {
                throw new UsageException("expected a JSON object, got " + words(reader.peek()));
            }
            List<String> unknown = new ArrayList<>();
            reader.beginObject();
            while (reader.hasNext()) {
                String key = reader.nextName();
                if (!seen.add(key)) {
                    throw new UsageException("the key '" + key + "' comes twice");
                }
                List<String> values = values(key, reader);
                if (key.equals(NAME)) {
                    values.forEach(seenName::append);
                } else if (!options.contains("--" + key)) {
                    unknown.add(key);
                } else {
                    values.forEach(v -> arguments.add("--" + key + "=" + v));
                }
            }
            reader.endObject();
            if (reader.peek() != JsonToken.END_DOCUMENT) {
                throw new UsageException("expected one JSON object a line, got more");
            }
            if (!unknown.isEmpty()) {
                throw new UsageException("unknown " + (unknown.size() == 1 ? "key '" : "keys '")
                        + String.join("', '", unknown)
                        + "'; the keys are the long options of `fovea attend` without dashes, and name");
            }
        } catch (MalformedJsonException | EOFException e) {
            throw new UsageException(
                    "the line is not a JSON object; it goes wrong after character " + position(e.getMessage()));
        } catch (IOException e) {
            throw new UsageException("the line is not a JSON object: " + e.getMessage());
        }
        return new Case(seenName.toString(), arguments);
    }

    private static List<String> values(String key, JsonReader reader) throws IOException {
        if (!REPEATABLE.contains(key) || reader.peek() != JsonToken.BEGIN_ARRAY) {
            return List.of(value(key, reader));
        }
        List<String> all = new ArrayList<>();
        reader.beginArray();
        while (reader.hasNext()) {
            all.add(value(key, reader));
        }
        reader.endArray();
        return all;
    }

    private static String value(String key, JsonReader reader) throws IOException {
        JsonToken token = reader.peek();
        if (token == JsonToken.STRING || token == JsonToken.NUMBER) {
            return reader.nextString();
        }
        if (token == JsonToken.BOOLEAN && key.equals("causal") && reader.nextBoolean()) {
            return ""; // a flag without a value
        }
        throw new UsageException("the value of '" + key + "' is " + words(token) + "; expected a number or a string");
    }

    private static String words(JsonToken token) {
        return switch (token) {
            case BEGIN_ARRAY, END_ARRAY -> "an array";
            case BEGIN_OBJECT, END_OBJECT, NAME -> "an object";
            case STRING -> "a string";
            case NUMBER -> "a number";
            case BOOLEAN -> "true or false";
            case NULL -> "null";
            case END_DOCUMENT -> "nothing";
        };
    }

    /** Gson says "... at line 1 column 7 path $.q"; the rest of it is about Gson. */
    private static String position(@Nullable String message) {
        if (message != null) {
            Matcher m = COLUMN.matcher(message);
            if (m.find()) {
                return m.group(1);
            }
        }
        return "its end";
    }
}
