package dev.fovea.tools;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Inclusive bounds of a window around a query's position; -1 = unlimited. */
public record WindowBounds(int left, int right) {

    /** Reads {@code L,R}. */
    public static final class Converter implements ITypeConverter<WindowBounds> {
        @Override
        public WindowBounds convert(String text) {
            String[] parts = text.split(",", -1);
            try {
                if (parts.length == 2) {
                    WindowBounds w =
                            new WindowBounds(Integer.parseInt(parts[0].strip()), Integer.parseInt(parts[1].strip()));
                    if (w.left >= -1 && w.right >= -1) {
                        return w;
                    }
                }
            } catch (NumberFormatException e) {
                throw wrong(text);
            }
            throw wrong(text);
        }

        private static TypeConversionException wrong(String text) {
            return new TypeConversionException(
                    "expected L,R, two whole numbers of at least -1 (-1 = unlimited), got '" + text + "'");
        }
    }
}
