package dev.fovea.tools.tuning;

import dev.fovea.api.FoveaException;
import dev.fovea.api.FoveaException.KernelBuild;
import dev.fovea.api.spi.Tunable;
import dev.fovea.api.spi.TuningPoint;
import dev.fovea.tools.FailureText;
import dev.fovea.tools.Main;
import dev.fovea.tools.Progress;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Processes that build points ahead, into the cache of binaries: a driver compiles one kernel at a time in a process, however many threads
 * ask. What they do not get done is built when it is wanted; what they could not build, they say.
 *
 * @param number of this process
 * @param count of all of them
 * @param from the first group
 * @param to behind the last one
 * @param points of each group at most
 */
record BuildAhead(int number, int count, int from, int to, int points) {
    private static final int POLL_MILLIS = 200;

    /** Reads {@code NUMBER/COUNT/FROM/TO/POINTS}. */
    static BuildAhead parse(String text) {
        String[] words = text.split("/");
        return new BuildAhead(
                Integer.parseInt(words[0]),
                Integer.parseInt(words[1]),
                Integer.parseInt(words[2]),
                Integer.parseInt(words[3]),
                Integer.parseInt(words[4]));
    }

    private String text() {
        return number + "/" + count + "/" + from + "/" + to + "/" + points;
    }

    /** Builds this process's share, and writes a line for each point that no kernel can be built for. */
    void build(Tunable device, List<Group> groups, PrintWriter out) {
        for (int g = from; g < to; g++) {
            Group group = groups.get(g);
            for (int i = number; i < Math.min(points, group.points().size()); i += count) {
                try {
                    new Candidate(device, group, group.points().get(i)).close();
                } catch (KernelBuild e) {
                    String why =
                            FailureText.of(e).sentence().lines().findFirst().orElse("");
                    out.println(g + " " + i + " " + why);
                    out.flush();
                } catch (FoveaException e) {
                    // it may be want of memory beside the other processes: who measures will see
                }
            }
        }
    }

    /**
     * What processes did.
     *
     * @param refused points that no kernel can be built for, by group, with the reason
     * @param failed processes that ended with an error
     */
    record Built(Map<Integer, Map<TuningPoint, String>> refused, int failed) {
        Map<TuningPoint, String> refused(int group) {
            return refused.getOrDefault(group, Map.of());
        }
    }

    /** Runs all processes with the arguments of this one, and ends them after some seconds. */
    static Built run(BuildAhead all, List<String> arguments, double seconds, List<Group> groups, Progress progress)
            throws IOException {
        long end = System.nanoTime() + (long) (seconds * 1e9);
        List<Process> processes = new ArrayList<>();
        List<Path> outputs = new ArrayList<>();
        int failed = 0;
        try {
            for (int i = 0; i < all.count; i++) {
                Path output = Files.createTempFile("fovea-tune", ".txt");
                outputs.add(output);
                BuildAhead share = new BuildAhead(i, all.count, all.from, all.to, all.points);
                ProcessBuilder builder = new ProcessBuilder(command(share, arguments));
                builder.redirectInput(ProcessBuilder.Redirect.PIPE);
                builder.redirectOutput(output.toFile());
                builder.redirectError(ProcessBuilder.Redirect.DISCARD);
                processes.add(builder.start());
            }
            progress.step("building kernels in " + all.count + " processes");
            for (Process p : processes) {
                boolean ended = p.waitFor(0, TimeUnit.MILLISECONDS);
                while (!ended && System.nanoTime() < end) {
                    ended = p.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS);
                }
                failed += ended && p.exitValue() != 0 ? 1 : 0;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            processes.forEach(Process::destroyForcibly);
        }
        Map<Integer, Map<TuningPoint, String>> refused = new HashMap<>();
        for (Path output : outputs) {
            read(output, groups, refused);
            Files.deleteIfExists(output);
        }
        return new Built(refused, failed);
    }

    private static void read(Path output, List<Group> groups, Map<Integer, Map<TuningPoint, String>> refused)
            throws IOException {
        for (String line : Files.readString(output).lines().toList()) {
            String[] words = line.split(" ", 3);
            if (words.length == 3) { // the last line of a process that was ended may be half a one
                int group = Integer.parseInt(words[0]);
                TuningPoint point = groups.get(group).points().get(Integer.parseInt(words[1]));
                refused.computeIfAbsent(group, _ -> new HashMap<>()).put(point, words[2]);
            }
        }
    }

    private static List<String> command(BuildAhead share, List<String> arguments) {
        List<String> all = new ArrayList<>();
        all.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        all.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        all.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
        all.addAll(arguments);
        all.addAll(List.of("--build", share.text()));
        return all;
    }
}
