package dev.fovea.tools.expressions;

import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A value for a name that expressions use.
 *
 * @param text as it was given
 */
public record NamedText(String name, String text) {
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_]{0,30}");

    private static NamedText of(String given, String what) {
        int at = given.indexOf('=');
        if (at < 1
                || at == given.length() - 1
                || !NAME.matcher(given.substring(0, at)).matches()) {
            throw new TypeConversionException(
                    "expected NAME=" + what + ", the name of lower case letters, digits and _, got '" + given + "'");
        }
        return new NamedText(given.substring(0, at), given.substring(at + 1));
    }

    /** Reads {@code NAME=FILE}. */
    static final class Capture implements ITypeConverter<NamedText> {
        @Override
        public NamedText convert(String text) {
            return of(text, "FILE");
        }
    }

    /** Reads {@code NAME=VALUE} with a number as value. */
    static final class Scalar implements ITypeConverter<NamedText> {
        @Override
        public NamedText convert(String text) {
            NamedText named = of(text, "VALUE");
            try {
                named.number();
                return named;
            } catch (NumberFormatException e) {
                throw new TypeConversionException("expected a number as in an expression, 3 (32 bits) or 3.0, for "
                        + named.name + ", got '" + named.text + "'");
            }
        }
    }

    /** The number: an Integer without a point or exponent, else a Float. */
    Number number() {
        if (text.matches("-?\\d+")) {
            return Integer.valueOf(text);
        }
        float x = Float.parseFloat(text);
        if (!text.matches("-?[0-9.eE+-]+")) {
            throw new NumberFormatException(text);
        }
        return x;
    }
}
