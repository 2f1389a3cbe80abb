package dev.fovea.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringWriter;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Java in README.md and docs compiles and does what it says. */
class DocumentedCodeTest {
    private static final Pattern BLOCK = Pattern.compile("(?s)```java\n(.*?)```");

    @TempDir
    private Path folder;

    @Test
    void theQuickStartRuns() throws Exception {
        List<String> blocks = blocks(Path.of("../README.md"));
        assertThat(blocks).isNotEmpty();
        assertThat(blocks.getFirst().lines().count()).isLessThanOrEqualTo(15);
        assertThat(run("QuickStart", blocks.getFirst())).endsWith(": 512000 numbers\n");
    }

    @Test
    void theFurtherCallsCompile() throws Exception {
        List<String> blocks = blocks(Path.of("../README.md"));
        assertThat(blocks).hasSize(2);
        String tensors =
                "Tensor q, Tensor k, Tensor v, Tensor keyPages, Tensor valuePages, Tensor table, Tensor lengths, Tensor offsets";
        String source =
                "import dev.fovea.api.*;\nimport dev.fovea.api.expr.*;\nvoid main() {}\nvoid calls(Backend fovea, "
                        + tensors + ") {\n" + blocks.get(1) + "}\n";
        assertThat(run("Calls", source)).isEmpty();
    }

    @Test
    void theConformanceExampleRuns() throws Exception {
        List<String> blocks = blocks(Path.of("../docs/adding-a-backend.md"));
        assertThat(blocks).isNotEmpty();
        String example = blocks.getLast().replace("\"mine/0\"", "\"cpu\"");
        assertThat(run("Example", example)).matches("\\d+ cases, 0 failed\n");
    }

    private static List<String> blocks(Path file) throws IOException {
        Matcher m = BLOCK.matcher(Files.readString(file));
        List<String> all = new ArrayList<>();
        while (m.find()) {
            all.add(m.group(1));
        }
        return all;
    }

    /** Compiles a compact source file, runs its main and gives what it printed. */
    private String run(String name, String source) throws Exception {
        Path file = Files.writeString(folder.resolve(name + ".java"), source);
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        assertThat(compiler).as("a JDK runs the tests").isNotNull();
        StringWriter messages = new StringWriter();
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        List<String> options =
                List.of("--release", "25", "-Xlint:all", "-Werror", "-proc:none", "-cp", classPath, "-d", "" + folder);
        try (var files = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
            boolean compiled = compiler.getTask(messages, files, null, options, null, files.getJavaFileObjects(file))
                    .call();
            assertThat(compiled).as(source + "\n" + messages).isTrue();
        }
        PrintStream before = System.out;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        try (URLClassLoader loader =
                new URLClassLoader(new URL[] {folder.toUri().toURL()})) {
            Class<?> type = loader.loadClass(name);
            Constructor<?> constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
            Method main = type.getDeclaredMethod("main");
            main.setAccessible(true);
            System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
            main.invoke(constructor.newInstance());
        } finally {
            System.setOut(before);
        }
        return printed.toString(StandardCharsets.UTF_8);
    }
}
