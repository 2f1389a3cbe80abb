package dev.fovea.opencl.runtime;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * Program binaries on disk, in a folder that only its user can read. An entry carries a checksum; one that does not match, or that
 * the driver refuses, is removed and built anew. No failure of the disk is an error: the program is then built from source.
 */
public final class BinaryCache {
    /** Names the folder; {@code off} turns the cache off. */
    public static final String VARIABLE = "FOVEA_CACHE_DIR";

    static final int LARGEST = 64 << 20;
    private static final System.Logger LOG = System.getLogger(BinaryCache.class.getName());
    private static final byte[] MAGIC = "FOVEACL1".getBytes(StandardCharsets.US_ASCII);
    private static final int DIGEST = 32;
    private static final Set<PosixFilePermission> PRIVATE = PosixFilePermissions.fromString("rwx------");

    private final @Nullable Path folder;
    private final int most;

    private BinaryCache(@Nullable Path folder, int most) {
        this.folder = folder;
        this.most = most;
    }

    /** The cache that the environment asks for: {@link #VARIABLE}, else {@code fovea} in the user's cache folder. */
    public static BinaryCache of(Map<String, String> environment, @Nullable String home) {
        String named = environment.getOrDefault(VARIABLE, "");
        if (named.equals("off")) {
            return none();
        }
        if (!named.isEmpty()) {
            return in(Path.of(named), 256);
        }
        String xdg = environment.getOrDefault("XDG_CACHE_HOME", "");
        if (!xdg.isEmpty() && Path.of(xdg).isAbsolute()) {
            return in(Path.of(xdg, "fovea"), 256);
        }
        return home == null ? none() : in(Path.of(home, ".cache", "fovea"), 256);
    }

    /** A cache that keeps nothing. */
    public static BinaryCache none() {
        return new BinaryCache(null, 0);
    }

    /** A cache in a folder, which is made private; none if it cannot be. */
    static BinaryCache in(Path folder, int most) {
        try {
            boolean posix =
                    FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
            if (!Files.isDirectory(folder)) {
                if (folder.getParent() != null) {
                    Files.createDirectories(folder.getParent());
                }
                if (posix) {
                    Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(PRIVATE));
                } else {
                    Files.createDirectory(folder);
                }
            }
            if (posix) {
                Files.setPosixFilePermissions(folder, PRIVATE); // fails unless the folder is ours
            }
            return new BinaryCache(folder, most);
        } catch (IOException | SecurityException e) {
            LOG.log(System.Logger.Level.DEBUG, "kernels are not cached on disk", e);
            return none();
        }
    }

    /** The name of an entry: what the binary depends on, and the version of this library. */
    static String key(String source, String target, String options, String device) {
        String version =
                Objects.requireNonNullElse(BinaryCache.class.getPackage().getImplementationVersion(), "");
        MessageDigest digest = sha256();
        for (String part : List.of(source, target, options, device, version)) {
            byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
            digest.update(ByteBuffer.allocate(4).putInt(bytes.length).array());
            digest.update(bytes);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    boolean isOn() {
        return folder != null;
    }

    /** How many entries it keeps. */
    public int most() {
        return most;
    }

    byte @Nullable [] load(String key) {
        if (folder == null) {
            return null;
        }
        Path file = file(folder, key);
        try {
            if (!Files.isRegularFile(file) || Files.size(file) > LARGEST + 64L) {
                return null;
            }
            byte[] all = Files.readAllBytes(file);
            int head = MAGIC.length + DIGEST;
            if (all.length > head && Arrays.equals(all, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
                byte[] payload = Arrays.copyOfRange(all, head, all.length);
                byte[] expected = Arrays.copyOfRange(all, MAGIC.length, head);
                if (MessageDigest.isEqual(expected, checksum(key, payload))) {
                    Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
                    return payload;
                }
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "a cached kernel cannot be read", e);
        }
        remove(key);
        return null;
    }

    /** Writes beside and renames, so that no reader meets half an entry. */
    void store(String key, byte[] binary) {
        if (folder == null) {
            return;
        }
        try {
            Path part = Files.createTempFile(folder, "part", ".tmp");
            try {
                ByteBuffer all = ByteBuffer.allocate(MAGIC.length + DIGEST + binary.length);
                Files.write(
                        part,
                        all.put(MAGIC).put(checksum(key, binary)).put(binary).array());
                Files.move(
                        part, file(folder, key), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(part);
            }
            trim(folder);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "a kernel cannot be cached on disk", e);
        }
    }

    void remove(String key) {
        if (folder != null) {
            try {
                Files.deleteIfExists(file(folder, key));
            } catch (IOException e) {
                LOG.log(System.Logger.Level.DEBUG, "a bad cached kernel cannot be removed", e);
            }
        }
    }

    private record Used(Path file, FileTime time) {}

    /** The least recently used entries go. */
    private void trim(Path folder) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.bin")) {
            // each time once: another process may use a file meanwhile, and a sort has to see one order
            List<Used> all = StreamSupport.stream(files.spliterator(), false)
                    .map(file -> new Used(file, lastUse(file)))
                    .sorted(Comparator.comparing(Used::time))
                    .toList();
            for (Used used : all.subList(0, Math.max(0, all.size() - most))) {
                Files.deleteIfExists(used.file);
            }
        }
    }

    private static FileTime lastUse(Path file) {
        try {
            return Files.getLastModifiedTime(file);
        } catch (IOException e) {
            return FileTime.fromMillis(0); // another process removed it
        }
    }

    private static Path file(Path folder, String key) {
        return folder.resolve(key + ".bin");
    }

    private static byte[] checksum(String key, byte[] payload) {
        MessageDigest digest = sha256();
        digest.update(key.getBytes(StandardCharsets.US_ASCII));
        return digest.digest(payload);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
