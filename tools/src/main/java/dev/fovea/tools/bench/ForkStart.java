package dev.fovea.tools.bench;

import com.google.gson.JsonParseException;
import dev.fovea.api.Backends;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Starts {@link BenchFork} in a JVM like this one: the same flags, class path and environment. */
final class ForkStart {
    private ForkStart() {}

    /** Throws {@code IOException} with the sentence of the child where it fails. */
    static ForkResult run(CpuCase c, int threads, double seconds, boolean peers) throws IOException {
        Path errors = Files.createTempFile("fovea-bench", ".err");
        try {
            ProcessBuilder builder = new ProcessBuilder(command(c, threads, seconds, peers));
            builder.environment().remove(Backends.DEVICE_VARIABLE);
            builder.environment().put("FOVEA_THREADS", "" + threads);
            builder.environment().put("OMP_NUM_THREADS", "" + threads); // of libtorch
            builder.redirectError(errors.toFile());
            Process process = builder.start();
            try {
                process.getOutputStream().close();
                String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                int code = process.waitFor();
                if (code != 0) {
                    throw new IOException(lastLine(Files.readString(errors), "the JVM ended with exit code " + code));
                }
                return ForkResult.parse(lastLine(out, ""));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted", e);
            } catch (JsonParseException e) {
                throw new IOException("the JVM of the case printed no result", e);
            } finally {
                process.destroyForcibly();
            }
        } finally {
            Files.delete(errors);
        }
    }

    private static List<String> command(CpuCase c, int threads, double seconds, boolean peers) {
        List<String> all = new ArrayList<>();
        all.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        all.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        all.addAll(List.of("-Dstdout.encoding=UTF-8", "-Dstderr.encoding=UTF-8"));
        if (c.vectorBytes() > 0) {
            all.add("-XX:MaxVectorSize=" + c.vectorBytes());
        }
        all.addAll(List.of("-cp", System.getProperty("java.class.path"), BenchFork.class.getName()));
        all.addAll(List.of(c.name(), "" + threads, "" + seconds, "" + peers));
        return all;
    }

    private static String lastLine(String text, String otherwise) {
        return text.lines().filter(l -> !l.isBlank()).reduce((_, b) -> b).orElse(otherwise);
    }
}
