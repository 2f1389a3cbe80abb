package dev.fovea.opencl.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BinaryCacheTest {
    private static final byte[] BINARY = {1, 2, 3, 4, 5};

    @TempDir
    Path folder;

    private Path entry(String key) {
        return folder.resolve("c").resolve(key + ".bin");
    }

    private BinaryCache cache(int most) {
        return BinaryCache.in(folder.resolve("c"), most);
    }

    @Test
    void whatIsStoredIsLoaded() throws IOException {
        BinaryCache cache = cache(8);
        assertThat(cache.load("k")).isNull();
        cache.store("k", BINARY);
        assertThat(cache.load("k")).containsExactly(BINARY);
        if (Files.getFileStore(folder).supportsFileAttributeView("posix")) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("c"))))
                    .isEqualTo("rwx------");
        }
    }

    @Test
    void aBadEntryIsRemoved() throws IOException {
        BinaryCache cache = cache(8);
        cache.store("k", BINARY);
        byte[] bytes = Files.readAllBytes(entry("k"));
        for (int cut : new int[] {0, 3, 20, bytes.length - 1}) {
            Files.write(entry("k"), java.util.Arrays.copyOf(bytes, cut));
            assertThat(cache.load("k")).isNull();
            assertThat(entry("k")).doesNotExist();
        }
        bytes[bytes.length - 1] ^= 1;
        Files.write(entry("k"), bytes);
        assertThat(cache.load("k")).isNull();
        assertThat(entry("k")).doesNotExist();
    }

    @Test
    void anEntryUnderAnotherNameIsNotTaken() throws IOException {
        BinaryCache cache = cache(8);
        cache.store("k", BINARY);
        Files.copy(entry("k"), entry("other"));
        assertThat(cache.load("other")).isNull();
    }

    @Test
    void theOldestGo() throws IOException {
        BinaryCache cache = cache(3);
        for (int i = 0; i < 7; i++) {
            cache.store("k" + i, BINARY);
        }
        try (Stream<Path> files = Files.list(folder.resolve("c"))) {
            assertThat(files).hasSize(3);
        }
    }

    /** Other processes use entries while this one looks for the oldest: their times change below the sort. */
    @Test
    void entriesMayBeUsedWhileTheOldestGo() throws Exception {
        BinaryCache many = cache(200);
        for (int i = 0; i < 200; i++) {
            many.store("k" + i, BINARY);
        }
        AtomicBoolean done = new AtomicBoolean();
        try (ExecutorService pool = Executors.newFixedThreadPool(1)) {
            Future<?> others = pool.submit(() -> {
                for (int i = 0; !done.get(); i++) {
                    File file = entry("k" + i * 7919L % 200).toFile();
                    assertThat(file.setLastModified(1_000_000_000_000L + i * 7919_000L % 200_000_000L)
                                    || !file.exists())
                            .isTrue();
                }
            });
            for (int i = 0; i < 60; i++) {
                many.store("k" + i, BINARY);
                assertThat(many.load("k" + i)).containsExactly(BINARY);
            }
            done.set(true);
            others.get();
        }
    }

    @Test
    void othersUseEntriesWhileTheOldestAreSought() throws Exception {
        BinaryCache cache = cache(200);
        for (int i = 0; i < 200; i++) {
            cache.store("k" + i, BINARY);
        }
        AtomicBoolean done = new AtomicBoolean();
        try (ExecutorService pool = Executors.newSingleThreadExecutor()) {
            Future<?> other = pool.submit(() -> {
                SplittableRandom random = new SplittableRandom(1);
                while (!done.get()) {
                    FileTime time = FileTime.fromMillis(1 + random.nextInt(1_000_000));
                    Files.setLastModifiedTime(entry("k" + random.nextInt(200)), time);
                }
                return null;
            });
            try {
                for (int i = 0; i < 300; i++) {
                    cache.store("k" + i % 200, BINARY);
                }
            } finally {
                done.set(true);
            }
            other.get();
        }
        assertThat(cache.load("k0")).containsExactly(BINARY);
    }

    @Test
    void manyWritersLeaveWholeEntries() throws Exception {
        BinaryCache cache = cache(8);
        byte[] large = new byte[100_000];
        try (ExecutorService pool = Executors.newFixedThreadPool(4)) {
            List<Future<Boolean>> all = new ArrayList<>();
            for (int t = 0; t < 4; t++) {
                all.add(pool.submit(() -> {
                    for (int i = 0; i < 30; i++) {
                        cache.store("k", large);
                        byte[] found = cache.load("k");
                        assertThat(found).isNotNull();
                        assertThat(found).hasSize(large.length);
                    }
                    return true;
                }));
            }
            for (Future<Boolean> f : all) {
                assertThat(f.get()).isTrue();
            }
        }
        try (Stream<Path> files = Files.list(folder.resolve("c"))) {
            assertThat(files).hasSize(1);
        }
    }

    @Test
    void theKeyDependsOnEveryPart() {
        assertThat(BinaryCache.key("a", "t", "b", "c")).isEqualTo(BinaryCache.key("a", "t", "b", "c"));
        assertThat(BinaryCache.key("a", "u", "b", "c")).isNotEqualTo(BinaryCache.key("a", "t", "b", "c"));
        assertThat(BinaryCache.key("at", "", "b", "c")).isNotEqualTo(BinaryCache.key("a", "t", "b", "c"));
        assertThat(BinaryCache.key("a", "t", "b", "d")).isNotEqualTo(BinaryCache.key("a", "t", "b", "c"));
    }

    @Test
    void theEnvironmentNamesTheFolderOrTurnsItOff() {
        String here = folder.toString();
        assertThat(BinaryCache.of(Map.of(BinaryCache.VARIABLE, "off"), here).isOn())
                .isFalse();
        assertThat(BinaryCache.of(Map.of(BinaryCache.VARIABLE, here + "/named"), null)
                        .isOn())
                .isTrue();
        assertThat(folder.resolve("named")).isDirectory();
        assertThat(BinaryCache.of(Map.of("XDG_CACHE_HOME", here), null).isOn()).isTrue();
        assertThat(folder.resolve("fovea")).isDirectory();
        assertThat(BinaryCache.of(Map.of(), here).isOn()).isTrue();
        assertThat(folder.resolve(".cache").resolve("fovea")).isDirectory();
        assertThat(BinaryCache.of(Map.of(), null).isOn()).isFalse();
    }

    @Test
    void aFolderThatCannotBeIsNoError() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        BinaryCache cache = BinaryCache.in(file.resolve("below"), 8);
        cache.store("k", BINARY);
        assertThat(cache.load("k")).isNull();
    }
}
