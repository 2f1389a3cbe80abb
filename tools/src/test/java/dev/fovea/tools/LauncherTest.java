package dev.fovea.tools;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Runs the launcher of this checkout in a small made-up one, with a command line that answers in known ways. */
@EnabledOnOs(OS.LINUX)
class LauncherTest {
    private static final String MAIN = """
            package dev.fovea.tools;

            public final class Main {
                public static void main(String[] args) throws Exception {
                    System.out.println(String.join(",", args) + "\\u00d7");
                    System.err.println("tty=" + System.getProperty("fovea.tty") + " vector="
                            + ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent());
                    if (args[0].equals("wait")) {
                        Thread.sleep(60_000);
                    }
                    System.exit(Integer.parseInt(args[0]));
                }
            }
            """;
    private static final String QUIET = "tty=false vector=true\n";

    @TempDir
    static Path shared;

    @TempDir
    Path folder;

    private static Path mainJar;
    private Path root;
    private Path bin;
    private Path stamp;

    private record Result(int code, String out, String err) {}

    @BeforeAll
    static void compileMain() throws Exception {
        Path source = Files.writeString(shared.resolve("Main.java"), MAIN);
        assertThat(ToolProvider.getSystemJavaCompiler()
                        .run(null, null, null, "-d", shared.resolve("classes").toString(), source.toString()))
                .isZero();
        mainJar = shared.resolve("tools.jar");
        assertThat(java.util.spi.ToolProvider.findFirst("jar")
                        .orElseThrow()
                        .run(System.out, System.err, "-cf", mainJar.toString(), "-C", shared + "/classes", "."))
                .isZero();
    }

    @BeforeEach
    void makeCheckout() throws IOException {
        root = Files.createDirectories(folder.resolve("a checkout"));
        String launcher = Files.readString(Path.of("../fovea"));
        assertThat(launcher).contains("/usr/lib/jvm/*", "/opt/*");
        script(root.resolve("fovea"), launcher.replace("/usr/lib/jvm/*", "").replace("/opt/*", ""));
        write(root.resolve("tools/src/main/dist/start.sh"), Files.readString(Path.of("src/main/dist/start.sh")));
        for (String pom : List.of("pom.xml", "backend-api/pom.xml", "tools/pom.xml")) {
            write(root.resolve(pom), "");
        }
        Path library = write(root.resolve("backend-api/target/backend-api.jar"), "");
        write(root.resolve("tools/target/classpath.txt"), library.toString());
        Files.copy(mainJar, root.resolve("tools/target/tools.jar"));
        stamp = write(root.resolve("tools/target/launcher.stamp"), "");
        bin = Files.createDirectories(folder.resolve("bin"));
    }

    @Test
    void saysWhichJavaToInstall() throws Exception {
        Result result = run(Map.of("PATH", bin.toString()), "0");
        assertThat(result.code()).isEqualTo(2);
        assertThat(result.out()).isEmpty();
        assertThat(result.err()).containsOnlyOnce("\n").contains("Java 25", "JAVA_HOME");
    }

    @Test
    void passesOverOlderJavaAndJavaWithoutTheVectorModule() throws Exception {
        Path old = folder.resolve("old");
        script(old.resolve("bin/java"), "exit 99");
        for (String release : List.of(
                "JAVA_VERSION=\"17.0.15\"\nMODULES=\"java.base jdk.incubator.vector\"\n",
                "JAVA_VERSION=\"25.0.3\"\nMODULES=\"java.base\"\n")) {
            write(old.resolve("release"), release);
            assertThat(run(Map.of("PATH", bin.toString(), "JAVA_HOME", old.toString()), "0")
                            .code())
                    .isEqualTo(2);
        }
    }

    @Test
    void saysThatMavenIsMissing() throws Exception {
        Files.delete(root.resolve("tools/target/classpath.txt"));
        Result result = run(Map.of("PATH", bin.toString(), "JAVA_HOME", javaHome()), "0");
        assertThat(result.code()).isEqualTo(2);
        assertThat(result.out()).isEmpty();
        assertThat(result.err()).containsOnlyOnce("\n").contains("Maven");
    }

    @Test
    void passesArgumentsExitCodeAndStreamsThroughASymbolicLink() throws Exception {
        Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("a checkout/fovea"));
        Process process = start(link, Map.of(), "7", "b c", "*", "");
        assertThat(finish(process)).isEqualTo(new Result(7, "7,b c,*,×\n", QUIET));
    }

    @Test
    void keepsJvmMessagesOffStdout() throws Exception {
        Result result = run(Map.of("FOVEA_JAVA_OPTIONS", "-XX:MaxVectorSize=4096 -Dfovea.tty=own"), "0");
        assertThat(result.out()).isEqualTo("0×\n");
        assertThat(result.err()).endsWith("tty=own vector=true\n");
        assertThat(run(Map.of("FOVEA_JAVA_OPTIONS", "-XX:NoSuchOption"), "0").err())
                .contains("NoSuchOption");
    }

    @Test
    void leavesTheVectorModuleOut() throws Exception {
        assertThat(run(Map.of("FOVEA_VECTOR", "off"), "0"))
                .isEqualTo(new Result(0, "0×\n", "tty=false vector=false\n"));
    }

    @Test
    void aSignalToTheLauncherEndsTheJvm() throws Exception {
        Process process = start(root.resolve("fovea"), Map.of(), "wait");
        assertThat(process.inputReader(UTF_8).readLine()).isEqualTo("wait×");
        process.destroy();
        assertThat(process.waitFor(20, SECONDS)).isTrue();
        assertThat(process.exitValue()).isEqualTo(143);
    }

    @Test
    void twoLaunchersBuildOnceAndADeadOwnersLockDoesNotHoldThem() throws Exception {
        Process dead = new ProcessBuilder("true").start();
        dead.waitFor();
        Files.createSymbolicLink(
                Files.createDirectories(root.resolve("target")).resolve("build.lock"),
                Path.of(Long.toString(dead.pid())));
        sourcesAreNewer();
        script(
                bin.resolve("mvn"),
                "cd '%s'; echo progress; echo \"$@\" >>builds; until [ -e go ]; do sleep 0.05; done".formatted(folder));
        Process first = start(root.resolve("fovea"), Map.of(), "0");
        assertThat(first.errorReader().readLine()).contains("building tools");
        Process second = start(root.resolve("fovea"), Map.of(), "1");
        assertThat(second.errorReader().readLine()).contains("waiting for the build");
        write(folder.resolve("go"), "");
        assertThat(finish(first)).isEqualTo(new Result(0, "0×\n", "progress\n" + QUIET));
        assertThat(finish(second)).isEqualTo(new Result(1, "1×\n", QUIET));
        assertThat(Files.readAllLines(folder.resolve("builds")))
                .singleElement()
                .asString()
                .contains("-pl tools -am package");
        assertThat(run(Map.of(), "0").err()).isEqualTo(QUIET);
    }

    @Test
    void aFailedBuildStartsNothingAndIsTriedAgain() throws Exception {
        sourcesAreNewer();
        script(bin.resolve("mvn"), "exit 1");
        for (int attempt = 0; attempt < 2; attempt++) {
            Result result = run(Map.of(), "0");
            assertThat(result.code()).isEqualTo(2);
            assertThat(result.out()).isEmpty();
            assertThat(result.err()).contains("the build failed");
        }
    }

    @Test
    void peersComeWithAProfileAndAPlainSentenceWhereTheyCannotBeFetched() throws Exception {
        script(bin.resolve("mvn"), "echo \"$@\" >>'%s/builds'; exit 1".formatted(folder));
        Files.createDirectories(root.resolve("tools/peers/src/main"));
        write(root.resolve("tools/peers/pom.xml"), "");
        Result result = run(Map.of(), "bench", "--suite", "cpu", "--peers");
        assertThat(result.code()).isEqualTo(1);
        assertThat(result.out()).isEmpty();
        assertThat(result.err().lines().toList().getLast()).startsWith("fovea: the peers could not be fetched");
        assertThat(Files.readString(folder.resolve("builds"))).contains("-P !format,peers -pl tools/peers -am package");
    }

    private void sourcesAreNewer() throws IOException {
        Files.setLastModifiedTime(stamp, FileTime.fromMillis(0));
    }

    private Result run(Map<String, String> environment, String... arguments) throws Exception {
        return finish(start(root.resolve("fovea"), environment, arguments));
    }

    private Process start(Path launcher, Map<String, String> environment, String... arguments) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(Stream.concat(Stream.of(launcher.toString()), Stream.of(arguments))
                .toList());
        builder.environment().clear();
        builder.environment().put("JAVA_HOME", javaHome());
        builder.environment().put("PATH", bin + ":/usr/bin:/bin");
        if (environment.containsKey("PATH")) {
            builder.environment().clear();
        }
        builder.environment().putAll(environment);
        return builder.start();
    }

    private static Result finish(Process process) throws Exception {
        process.getOutputStream().close();
        String out = readAll(process.inputReader(UTF_8));
        String err = readAll(process.errorReader());
        return new Result(process.waitFor(), out, err);
    }

    private static String javaHome() {
        return System.getProperty("java.home");
    }

    private static String readAll(BufferedReader reader) throws IOException {
        StringWriter text = new StringWriter();
        reader.transferTo(text);
        return text.toString();
    }

    private static Path write(Path file, String text) throws IOException {
        Files.createDirectories(file.getParent());
        return Files.writeString(file, text);
    }

    private static void script(Path file, String text) throws IOException {
        write(file, text.startsWith("#!") ? text : "#!/bin/sh\n" + text);
        assertThat(file.toFile().setExecutable(true)).isTrue();
    }
}
