package dev.fovea.kernels;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads the kernel sources of this module and resolves their includes, since drivers have no folder to look in. */
final class KernelText {
    private static final Pattern INCLUDE = Pattern.compile("#include \"([a-z_.]+)\"");

    private final Map<String, String> replacements;
    private final Set<String> done = new HashSet<>();

    /** Files to take from here instead of the resources. */
    KernelText(Map<String, String> replacements) {
        this.replacements = Map.copyOf(replacements);
    }

    String flatten(String file) {
        StringBuilder out = new StringBuilder();
        if (done.add(file)) {
            String text = replacements.containsKey(file) ? replacements.get(file) : resource(file);
            text.lines().forEach(line -> {
                Matcher include = INCLUDE.matcher(line);
                if (include.matches()) {
                    out.append(flatten(include.group(1)));
                } else {
                    out.append(line).append('\n');
                }
            });
        }
        return out.toString();
    }

    private static String resource(String file) {
        try (InputStream in = KernelText.class.getResourceAsStream(file)) {
            if (in == null) {
                throw new IllegalStateException("no kernel source " + file + " on the class path");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
