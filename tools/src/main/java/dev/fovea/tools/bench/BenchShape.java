package dev.fovea.tools.bench;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Sizes of a benchmark: {@code BxHxSxD}, with other numbers for keys after a slash, {@code 1x32/8x1/4096x128}. */
public record BenchShape(int batch, int heads, int keyHeads, int queries, int keys, int headDim) {
    private static final Pattern FORM = Pattern.compile("(\\d+)x(\\d+)(?:/(\\d+))?x(\\d+)(?:/(\\d+))?x(\\d+)");

    static BenchShape parse(String text) {
        Matcher m = FORM.matcher(text);
        try {
            if (m.matches()) {
                int heads = number(m.group(2));
                int queries = number(m.group(4));
                BenchShape shape = new BenchShape(
                        number(m.group(1)),
                        heads,
                        m.group(3) == null ? heads : number(m.group(3)),
                        queries,
                        m.group(5) == null ? queries : number(m.group(5)),
                        number(m.group(6)));
                if (shape.heads % shape.keyHeads == 0
                        && Math.max(shape.queryElements(), shape.keyElements()) < Integer.MAX_VALUE - 8) {
                    return shape;
                }
            }
        } catch (NumberFormatException e) {
            throw wrong(text);
        }
        throw wrong(text);
    }

    private static int number(String digits) {
        int n = Integer.parseInt(digits);
        if (n < 1) {
            throw new NumberFormatException();
        }
        return n;
    }

    private static TypeConversionException wrong(String text) {
        return new TypeConversionException(
                "expected BxHxSxD (batch, heads, positions, head dim; H/K and S/N where keys have"
                        + " their own), each at least 1, fewer than 2^31 elements, got '" + text + "'");
    }

    double queryElements() {
        return (double) batch * heads * queries * headDim;
    }

    double keyElements() {
        return (double) batch * keyHeads * keys * headDim;
    }

    /** Reads the text form. */
    public static final class Converter implements ITypeConverter<BenchShape> {
        @Override
        public BenchShape convert(String text) {
            return parse(text);
        }
    }

    @Override
    public String toString() {
        return batch + "x" + heads + (keyHeads == heads ? "" : "/" + keyHeads) + "x" + queries
                + (keys == queries ? "" : "/" + keys) + "x" + headDim;
    }
}
