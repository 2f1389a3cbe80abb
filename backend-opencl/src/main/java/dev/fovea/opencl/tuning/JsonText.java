package dev.fovea.opencl.tuning;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads JSON (RFC 8259), so that the backend needs no library for one small file. Values know their line, for errors. */
final class JsonText {
    private static final int MOST_DEPTH = 32;

    private final String text;
    private int at;
    private int line = 1;
    private int depth;

    private JsonText(String text) {
        this.text = text;
    }

    /** A value; what is no object, list, string or number is a word. */
    sealed interface Value {
        int line();
    }

    record Members(int line, Map<String, Value> values) implements Value {}

    record Items(int line, List<Value> values) implements Value {}

    record Text(int line, String value) implements Value {}

    record Numeral(int line, double value) implements Value {}

    record Word(int line, String value) implements Value {}

    /** What is wrong, and where. */
    static final class Malformed extends Exception {
        private static final long serialVersionUID = 1L;

        Malformed(int line, String message) {
            super("line " + line + ": " + message);
        }
    }

    static Value read(String text) throws Malformed {
        JsonText json = new JsonText(text);
        Value value = json.value();
        if (json.next() != END) {
            throw json.wrong("expected the end of the file");
        }
        return value;
    }

    private static final char END = '\0';

    /** The next character that is no space, without taking it. */
    private char next() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            if (text.charAt(at++) == '\n') {
                line++;
            }
        }
        return at < text.length() ? text.charAt(at) : END;
    }

    private boolean taken(char c) {
        boolean there = next() == c;
        at += there ? 1 : 0;
        return there;
    }

    private void expect(char c) throws Malformed {
        if (!taken(c)) {
            throw wrong("expected '" + c + "'");
        }
    }

    private Malformed wrong(String message) {
        char found = next();
        return new Malformed(line, message + (found == END ? ", the file ends" : ", found '" + found + "'"));
    }

    private Value value() throws Malformed {
        char c = next();
        int start = line;
        if (++depth > MOST_DEPTH) {
            throw new Malformed(line, "nested more than " + MOST_DEPTH + " deep");
        }
        Value value = switch (c) {
            case '{' -> new Members(start, members());
            case '[' -> new Items(start, items());
            case '"' -> new Text(start, string());
            case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' -> new Numeral(start, number());
            default -> new Word(start, word());
        };
        depth--;
        return value;
    }

    private Map<String, Value> members() throws Malformed {
        Map<String, Value> all = new LinkedHashMap<>();
        expect('{');
        if (!taken('}')) {
            do {
                if (next() != '"') {
                    throw wrong("expected a name in quotes");
                }
                int start = line;
                String name = string();
                expect(':');
                if (all.put(name, value()) != null) {
                    throw new Malformed(start, "'" + name + "' is there twice");
                }
            } while (taken(','));
            expect('}');
        }
        return all;
    }

    private List<Value> items() throws Malformed {
        List<Value> all = new ArrayList<>();
        expect('[');
        if (!taken(']')) {
            do {
                all.add(value());
            } while (taken(','));
            expect(']');
        }
        return all;
    }

    private String string() throws Malformed {
        StringBuilder s = new StringBuilder();
        at++;
        while (true) {
            char c = at < text.length() ? text.charAt(at) : END;
            if (c < ' ') {
                throw new Malformed(line, "a string does not end on its line");
            }
            at++;
            if (c == '"') {
                return s.toString();
            }
            s.append(c == '\\' ? escaped() : c);
        }
    }

    private char escaped() throws Malformed {
        char c = at < text.length() ? text.charAt(at++) : END;
        int plain = "\"\\/bfnrt".indexOf(c);
        if (plain >= 0) {
            return "\"\\/\b\f\n\r\t".charAt(plain);
        }
        try {
            if (c == 'u') {
                at += 4;
                return (char) Integer.parseUnsignedInt(text.substring(at - 4, at), 16);
            }
        } catch (IndexOutOfBoundsException | NumberFormatException e) {
            throw new Malformed(line, "\\u is followed by four hexadecimal digits");
        }
        throw new Malformed(line, "there is no \\" + c);
    }

    private double number() throws Malformed {
        int start = at;
        while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        try {
            return Double.parseDouble(text.substring(start, at));
        } catch (NumberFormatException e) {
            throw new Malformed(line, "'" + text.substring(start, at) + "' is no number");
        }
    }

    private String word() throws Malformed {
        for (String word : List.of("true", "false", "null")) {
            if (text.startsWith(word, at)) {
                at += word.length();
                return word;
            }
        }
        throw wrong("expected a value");
    }
}
