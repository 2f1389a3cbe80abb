package dev.fovea.tools.tuning;

import dev.fovea.api.FoveaException.DeviceLost;
import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.api.spi.Tunable;
import dev.fovea.api.spi.TuningPoint;
import dev.fovea.tools.Console;
import dev.fovea.tools.Environment;
import dev.fovea.tools.FailureText;
import dev.fovea.tools.Progress;
import dev.fovea.tools.tuning.BuildAhead.Built;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.ExitCode;

/** Tunes one group after another and writes each finding at once. */
final class TuneRun {
    private static final int MOST_PROCESSES = 12;
    /** Seconds that a card may take for some calls before it counts as hung; those of the usual cases take hundredths of one. */
    private static final double LONGEST_CALLS = 120;

    private static final Built NONE = new Built(Map.of(), 0);

    /** Part of the time of some groups that building ahead may take: a kernel is built in seconds, and timed in a tenth of one. */
    private static final double AHEAD_PART = 0.6;

    /** Part of the cache that is for points; self-tests and kernels that go before have the rest. */
    private static final double CACHE_PART = 0.75;

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
        try (Watch watch = new Watch(isCard() ? LONGEST_CALLS : Double.POSITIVE_INFINITY, call -> hangs(call, out))) {
            return groups(groups, end, file, out, arguments, watch);
        }
    }

    private int groups(List<Group> groups, long end, TuningFile file, Path out, List<String> arguments, Watch watch)
            throws IOException {
        int aheadTo = 0;
        Built built = NONE;
        int better = 0;
        boolean failed = false;
        for (int i = 0; i < groups.size(); i++) {
            Group group = groups.get(i);
            if (i == aheadTo && processes() > 1) {
                aheadTo = fitting(groups, i);
                double left = (end - System.nanoTime()) / 1e9;
                built = ahead(
                        groups,
                        i,
                        aheadTo,
                        AHEAD_PART * left * points(groups, i, aheadTo) / points(groups, i),
                        arguments);
            }
            double share = (end - System.nanoTime()) / 1e9 * group.points().size() / points(groups, i);
            if (share <= 0) {
                console.note("fovea tune: no time left for " + group.family() + ", " + group.bucket()
                        + "; give more --seconds");
                continue;
            }
            try {
                Finding finding = search(group, i, groups.size(), share, built.refused(i), watch);
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

    /** Nothing ends a kernel that hangs but the end of its process. */
    private void hangs(String call, Path out) {
        console.note("fovea tune: the device does not come back from " + call + "; what was found before is in " + out);
        Runtime.getRuntime().halt(ExitCode.SOFTWARE);
    }

    /** Points of the groups from one on: what time is shared out by. */
    private static double points(List<Group> groups, int from) {
        return points(groups, from, groups.size());
    }

    private static double points(List<Group> groups, int from, int to) {
        return groups.subList(from, to).stream()
                .mapToInt(g -> g.points().size())
                .sum();
    }

    /** Kernels that the cache keeps until they are measured. */
    private int kept() {
        return (int) (CACHE_PART * device.kernelsFromOthers());
    }

    /** Behind the last of the groups from one on whose kernels are kept together; one at least. */
    private int fitting(List<Group> groups, int from) {
        int to = from;
        int kernels = 0;
        while (to < groups.size() && (to == from || kernels + kernels(groups.get(to)) <= kept())) {
            kernels += kernels(groups.get(to++));
        }
        return to;
    }

    private static int kernels(Group group) {
        return group.points().size() * group.cases().size();
    }

    private Built ahead(List<Group> groups, int from, int to, double seconds, List<String> arguments)
            throws IOException {
        int points = kept() / groups.get(from).cases().size();
        if (points == 0 || seconds <= 0) {
            return NONE;
        }
        try (Progress progress = console.progress()) {
            BuildAhead all = new BuildAhead(0, processes(), from, to, points);
            Built built = BuildAhead.run(all, arguments, seconds, groups, progress);
            if (built.failed() > 0) {
                console.note("fovea tune: " + built.failed() + " of " + all.count()
                        + " processes that build ahead ended with an error; what they left is built one by one");
            }
            return built;
        }
    }

    private Finding search(
            Group group, int done, int all, double seconds, Map<TuningPoint, String> refused, Watch watch) {
        String title = "[" + (done + 1) + "/" + all + "] " + group.family() + ", " + group.bucket();
        try (Progress progress = console.progress();
                Search search = new Search(device, group, seconds, refused, console, progress, title, verbose, watch)) {
            return search.run();
        }
    }

    private boolean isCard() {
        return info.kind() == DeviceInfo.Kind.GPU || info.kind() == DeviceInfo.Kind.ACCELERATOR;
    }

    /** A device that is the host's CPU builds and runs on the same cores, and the test of this command runs on none. */
    private int processes() {
        return isCard() ? Math.clamp(Runtime.getRuntime().availableProcessors() - 2, 1, MOST_PROCESSES) : 1;
    }

    private static String summary(int better, int all, TuningFile file, Path out) {
        String found = better + " of " + all + " buckets have something faster";
        return file.size() == 0
                ? found + "; nothing to write"
                : found + "; " + out + " has " + file.size() + (file.size() == 1 ? " entry" : " entries")
                        + ", used by FOVEA_TUNING=" + out;
    }
}
