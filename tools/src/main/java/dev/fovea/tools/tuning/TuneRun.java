package dev.fovea.tools.tuning;

import dev.fovea.api.FoveaException.DeviceLost;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.Tunable;
import dev.fovea.tools.Console;
import dev.fovea.tools.Environment;
import dev.fovea.tools.FailureText;
import dev.fovea.tools.Progress;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ExitCode;

/** Tunes one group after another and writes each finding at once. */
final class TuneRun {
    private static final int MOST_PROCESSES = 12;

    /** Part of the time that building ahead may take. */
    private static final double AHEAD_PART = 0.35;

    private final DeviceInfo info;
    private final Tunable device;
    private final Console console;
    private final boolean verbose;
    private final Environment environment = Environment.current();

    TuneRun(DeviceInfo info, Tunable device, Console console, boolean verbose) {
        this.info = info;
        this.device = device;
        this.console = console;
        this.verbose = verbose;
    }

    /**
     * Tunes; the exit code.
     *
     * @param arguments of this process, for those that build for it
     */
    int all(List<Group> groups, double seconds, Path out, List<String> arguments) throws IOException {
        TuningFile file = new TuningFile(out);
        console.out()
                .println(info.id() + ": " + info.name() + ", driver " + info.driver() + "; " + groups.size()
                        + (groups.size() == 1 ? " bucket" : " buckets") + ", at most "
                        + String.format(Locale.ROOT, "%.0f s", seconds));
        console.out().flush();
        long end = System.nanoTime() + (long) (seconds * 1e9);
        if (processes() > 1) {
            try (Progress progress = console.progress()) {
                BuildAhead.run(processes(), arguments, AHEAD_PART * seconds, progress);
            }
        }
        int better = 0;
        boolean failed = false;
        for (int i = 0; i < groups.size(); i++) {
            Group group = groups.get(i);
            double share = (end - System.nanoTime()) / 1e9 * group.points().size() / points(groups, i);
            if (share <= 0) {
                console.note("fovea tune: no time left for " + group.family() + ", " + group.bucket()
                        + "; give more --seconds");
                continue;
            }
            try {
                Finding finding = search(group, i, groups.size(), share);
                better += finding.better() ? 1 : 0;
                failed |= finding.wrong() > 0;
                file.add(finding, device.layers().getFirst(), info, environment, group.named());
                console.out().println(finding.text());
                console.out().flush();
            } catch (DeviceLost e) {
                throw e;
            } catch (RuntimeException | OutOfMemoryError e) {
                failed = true;
                console.note("fovea tune: " + group.family() + ", " + group.bucket() + ": "
                        + FailureText.of(e).sentence());
            }
        }
        console.out().println(summary(better, groups.size(), file, out));
        console.out().flush();
        return failed ? ExitCode.SOFTWARE : ExitCode.OK;
    }

    /** Points of the groups from one on: what time is shared out by. */
    private static double points(List<Group> groups, int from) {
        return groups.stream().skip(from).mapToInt(g -> g.points().size()).sum();
    }

    private Finding search(Group group, int done, int all, double seconds) {
        String title = "[" + (done + 1) + "/" + all + "] " + group.family() + ", " + group.bucket();
        try (Progress progress = console.progress();
                Search search = new Search(device, group, seconds, console, progress, title, verbose)) {
            return search.run();
        }
    }

    /** A device that is the host's CPU builds and runs on the same cores, and the test of this command runs on none. */
    private int processes() {
        return info.kind() == DeviceInfo.Kind.GPU || info.kind() == DeviceInfo.Kind.ACCELERATOR
                ? Math.clamp(Runtime.getRuntime().availableProcessors() - 2, 1, MOST_PROCESSES)
                : 1;
    }

    private static String summary(int better, int all, TuningFile file, Path out) {
        String found = better + " of " + all + " buckets have something faster";
        return file.size() == 0
                ? found + "; nothing to write"
                : found + "; " + out + " has " + file.size() + (file.size() == 1 ? " entry" : " entries")
                        + ", used by FOVEA_TUNING=" + out;
    }
}
