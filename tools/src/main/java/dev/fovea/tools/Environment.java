package dev.fovea.tools;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a figure was measured on, beside the device.
 *
 * @param commit of the checkout that the classes come from; empty where that is not known
 */
public record Environment(String fovea, String commit, String java, String os, String cpu, int processors) {

    public static Environment current() {
        return new Environment(
                Version.fovea(),
                checkoutCommit().orElse(""),
                Version.java(),
                System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                        + System.getProperty("os.arch"),
                cpuModel(),
                Runtime.getRuntime().availableProcessors());
    }

    public void write(Json json) throws IOException {
        json.field("fovea", fovea)
                .field("commit", commit)
                .field("java", java)
                .field("os", os)
                .field("cpu", cpu)
                .field("processors", processors);
    }

    private static String cpuModel() {
        try {
            return Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                    .filter(l -> l.startsWith("model name"))
                    .map(l -> l.substring(l.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse("");
        } catch (IOException e) {
            return ""; // no Linux
        }
    }

    /** The classes' own checkout, since the working directory may be in somebody else's. */
    private static Optional<String> checkoutCommit() {
        try {
            CodeSource source = Environment.class.getProtectionDomain().getCodeSource();
            for (Path p = source == null ? null : Path.of(source.getLocation().toURI()); p != null; p = p.getParent()) {
                if (Files.exists(p.resolve(".git"))) {
                    return head(p.resolve(".git"));
                }
            }
        } catch (IOException | URISyntaxException | RuntimeException e) {
            return Optional.empty(); // a figure without a commit is still a figure
        }
        return Optional.empty();
    }

    private static Optional<String> head(Path git) throws IOException {
        Path folder = git;
        if (Files.isRegularFile(git)) { // a linked work tree: "gitdir: FOLDER"
            folder = git.resolveSibling(after("gitdir:", Files.readString(git))).normalize();
        }
        String head = Files.readString(folder.resolve("HEAD")).strip();
        if (!head.startsWith("ref:")) {
            return Optional.of(head);
        }
        String ref = after("ref:", head);
        Path common = folder.resolve("commondir");
        Path refs = Files.exists(common)
                ? folder.resolve(Files.readString(common).strip()).normalize()
                : folder;
        if (Files.exists(refs.resolve(ref))) {
            return Optional.of(Files.readString(refs.resolve(ref)).strip());
        }
        List<String> packed = Files.readAllLines(refs.resolve("packed-refs"));
        return packed.stream()
                .filter(l -> l.endsWith(" " + ref))
                .map(l -> l.split(" ")[0])
                .findFirst();
    }

    private static String after(String key, @Nullable String text) {
        return text == null ? "" : text.strip().substring(key.length()).strip();
    }
}
