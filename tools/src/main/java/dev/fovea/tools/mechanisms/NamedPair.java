package dev.fovea.tools.mechanisms;

import dev.fovea.tools.UsageException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * {@code name=text} of the command line.
 *
 * @param text what stands after the sign
 */
record NamedPair(String name, String text) {
    /** Reads {@code NAME=FILE} or {@code NAME=VALUE}. */
    static final class Converter implements ITypeConverter<NamedPair> {
        @Override
        public NamedPair convert(String given) {
            int at = given.indexOf('=');
            if (at < 1 || at == given.length() - 1) {
                throw new TypeConversionException(
                        "expected a name, '=' and what it stands for, as in query=q.npy or window=3, got '" + given
                                + "'");
            }
            return new NamedPair(given.substring(0, at), given.substring(at + 1));
        }
    }

    /** By name, in the order given. */
    static Map<String, String> texts(String option, List<NamedPair> pairs) {
        Map<String, String> all = new LinkedHashMap<>();
        for (NamedPair p : pairs) {
            if (all.put(p.name, p.text) != null) {
                throw new UsageException(option + " " + p.name + " is given twice; give it once");
            }
        }
        return all;
    }

    /** Files by name. */
    static Map<String, Path> files(String option, List<NamedPair> pairs) {
        Map<String, Path> all = new LinkedHashMap<>();
        texts(option, pairs).forEach((name, text) -> {
            try {
                all.put(name, Path.of(text));
            } catch (InvalidPathException e) {
                throw new UsageException(option + " " + name + ": '" + text + "' is no file name");
            }
        });
        return all;
    }
}
