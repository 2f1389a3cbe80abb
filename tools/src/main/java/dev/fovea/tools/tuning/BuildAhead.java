package dev.fovea.tools.tuning;

import dev.fovea.api.FoveaException;
import dev.fovea.api.spi.Tunable;
import dev.fovea.tools.Main;
import dev.fovea.tools.Progress;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Processes that build points ahead, into the cache of binaries: a driver compiles one kernel at a time in a process, however many threads
 * ask. What they do not get done is built when it is wanted.
 *
 * @param number of this process
 * @param count of all of them
 */
record BuildAhead(int number, int count) {
    private static final int POLL_MILLIS = 200;

    /** Reads {@code NUMBER/COUNT}. */
    static BuildAhead parse(String text) {
        String[] words = text.split("/", 2);
        return new BuildAhead(Integer.parseInt(words[0]), Integer.parseInt(words[1]));
    }

    /** Builds this process's share. */
    void build(Tunable device, List<Group> groups) {
        for (Group group : groups) {
            for (int i = number; i < group.points().size(); i += count) {
                try {
                    new Candidate(device, group, group.points().get(i)).close();
                } catch (FoveaException e) {
                    // who measures is told so
                }
            }
        }
    }

    /** Runs so many processes with the arguments of this one, and ends them after some seconds. */
    static void run(int count, List<String> arguments, double seconds, Progress progress) throws IOException {
        long end = System.nanoTime() + (long) (seconds * 1e9);
        List<Process> processes = new ArrayList<>();
        try {
            for (int i = 0; i < count; i++) {
                ProcessBuilder builder = new ProcessBuilder(command(i + "/" + count, arguments));
                builder.redirectInput(ProcessBuilder.Redirect.PIPE);
                builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
                builder.redirectError(ProcessBuilder.Redirect.DISCARD);
                processes.add(builder.start());
            }
            progress.step("building kernels in " + count + " processes");
            for (Process p : processes) {
                while (p.isAlive() && System.nanoTime() < end) {
                    boolean _ = p.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            processes.forEach(Process::destroyForcibly);
        }
    }

    private static List<String> command(String share, List<String> arguments) {
        List<String> all = new ArrayList<>();
        all.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        all.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        all.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
        all.addAll(arguments);
        all.addAll(List.of("--build", share));
        return all;
    }
}
