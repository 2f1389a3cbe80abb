package dev.fovea.tools.npy;

import dev.fovea.tools.npy.NpyHeader.HeaderException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The text of a header, a Python dictionary literal: the three keys of the format, each once, with literal values. NumPy
 * evaluates it as Python; here anything but those literals is an error.
 */
final class HeaderText {
    /** What the three keys say. */
    record Fields(String descr, boolean fortran, List<Long> shape) {}

    private final String text;
    private int at;

    HeaderText(String text) {
        this.text = text;
    }

    Fields fields() throws HeaderException {
        String descr = null;
        Boolean fortran = null;
        List<Long> shape = null;
        expect('{');
        while (!accept('}')) {
            String key = string();
            expect(':');
            switch (key) {
                case "descr" -> descr = once(key, descr, descr());
                case "fortran_order" -> fortran = once(key, fortran, bool());
                case "shape" -> shape = once(key, shape, tuple());
                default -> throw new HeaderException("the header has the unknown key '" + shown(key) + "'");
            }
            if (!accept(',')) {
                expect('}');
                break;
            }
        }
        skipBlanks();
        if (at < text.length()) {
            throw unexpected("nothing after the dictionary");
        }
        if (descr == null || fortran == null || shape == null) {
            throw new HeaderException("the header must name descr, fortran_order and shape");
        }
        return new Fields(descr, fortran, shape);
    }

    private static <T> T once(String key, @Nullable T before, T now) throws HeaderException {
        if (before != null) {
            throw new HeaderException("the header names " + key + " twice");
        }
        return Objects.requireNonNull(now);
    }

    private String descr() throws HeaderException {
        skipBlanks();
        if (at < text.length() && text.charAt(at) == '[') {
            throw new HeaderException("structured arrays are not read; save each field as an array of its own");
        }
        return string();
    }

    private boolean bool() throws HeaderException {
        skipBlanks();
        for (boolean value : new boolean[] {true, false}) {
            String word = value ? "True" : "False";
            if (text.startsWith(word, at)) {
                at += word.length();
                return value;
            }
        }
        throw unexpected("True or False");
    }

    private List<Long> tuple() throws HeaderException {
        List<Long> sizes = new ArrayList<>();
        expect('(');
        boolean comma = true;
        while (!accept(')')) {
            if (!comma) {
                throw unexpected("a comma or a closing parenthesis");
            }
            sizes.add(size());
            comma = accept(',');
        }
        if (sizes.size() == 1 && !comma) {
            throw new HeaderException("the header's shape is a number, not a tuple");
        }
        return sizes;
    }

    private long size() throws HeaderException {
        skipBlanks();
        int start = at;
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
            at++;
        }
        if (start == at) {
            throw unexpected("a size of at least 0");
        }
        String digits = text.substring(start, at);
        if (at < text.length() && text.charAt(at) == 'L') {
            at++; // Python 2 wrote long integers so
        }
        try {
            return Long.parseLong(digits);
        } catch (NumberFormatException e) {
            throw new HeaderException("the header's shape has the size " + shown(digits) + ", larger than any array");
        }
    }

    private String string() throws HeaderException {
        skipBlanks();
        char quote = at < text.length() ? text.charAt(at) : ' ';
        int end = quote == '\'' || quote == '"' ? text.indexOf(quote, at + 1) : -1;
        if (end < 0) {
            throw unexpected("a quoted string");
        }
        String value = text.substring(at + 1, end);
        if (value.indexOf('\\') >= 0) {
            throw new HeaderException("the header has an escape sequence in a string");
        }
        at = end + 1;
        return value;
    }

    private void expect(char c) throws HeaderException {
        if (!accept(c)) {
            throw unexpected("'" + c + "'");
        }
    }

    private boolean accept(char c) {
        skipBlanks();
        if (at < text.length() && text.charAt(at) == c) {
            at++;
            return true;
        }
        return false;
    }

    private void skipBlanks() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private HeaderException unexpected(String expected) {
        String rest = at >= text.length() ? "its end" : "'" + shown(text.substring(at)) + "'";
        return new HeaderException("the header does not parse: expected " + expected + ", got " + rest);
    }

    /** The beginning of a foreign text, fit for a message on a terminal. */
    static String shown(String foreign) {
        String start = foreign.length() > 24 ? foreign.substring(0, 24) + "..." : foreign;
        return start.replaceAll("\\P{Print}", "?");
    }
}
