package dev.fovea.cpu;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import javax.management.JMException;
import javax.management.ObjectName;
import javax.management.openmbean.CompositeData;

/** Facts about this machine, from /proc and /sys on Linux and from the JVM elsewhere. */
final class Host {
    private static final Path SYSTEM_CPUS = Path.of("/sys/devices/system/cpu");
    private static final Path CGROUP = Path.of("/sys/fs/cgroup");

    private Host() {}

    static String processorName() {
        return cpuinfo("model name").orElse(System.getProperty("os.arch", "unknown") + " processor");
    }

    /** Whether the processor multiplies and adds in one instruction; true where nothing says no. */
    static boolean hasFma() {
        return cpuinfo("flags").map(f -> List.of(f.split(" ")).contains("fma")).orElse(true);
    }

    /** Whether the compiler uses AVX-512, whose registers are 32 for narrower vectors too; false where nothing says so. */
    static boolean usesAvx512() {
        boolean has = cpuinfo("flags")
                .map(f -> List.of(f.split(" ")).contains("avx512vl"))
                .orElse(false);
        return has && vmOption("UseAVX").filter("3"::equals).isPresent();
    }

    /** Whether the processor has AVX-512 and the JVM leaves it unused of its own accord, as HotSpot does on the first that had it. */
    static boolean leavesAvx512() {
        boolean has = cpuinfo("flags")
                .map(f -> List.of(f.split(" ")).containsAll(List.of("avx512f", "avx512bw", "avx512dq", "avx512vl")))
                .orElse(false);
        return has
                && vmOption("UseAVX").filter("2"::equals).isPresent()
                && Stream.of("UseAVX", "MaxVectorSize")
                        .allMatch(o ->
                                vmOption(o, "origin").filter("DEFAULT"::equals).isPresent());
    }

    private static Optional<String> vmOption(String name) {
        return vmOption(name, "value");
    }

    private static Optional<String> vmOption(String name, String item) {
        try {
            Object option = ManagementFactory.getPlatformMBeanServer()
                    .invoke(
                            new ObjectName("com.sun.management:type=HotSpotDiagnostic"),
                            "getVMOption",
                            new Object[] {name},
                            new String[] {String.class.getName()});
            return option instanceof CompositeData data
                    ? Optional.of(String.valueOf(data.get(item)))
                    : Optional.empty();
        } catch (JMException | LinkageError e) {
            return Optional.empty();
        }
    }

    private static Optional<String> cpuinfo(String key) {
        return lines(Path.of("/proc/cpuinfo")).stream()
                .filter(l -> l.startsWith(key))
                .map(l -> l.substring(l.indexOf(':') + 1).strip())
                .findFirst();
    }

    /** Cores without their SMT siblings, at most what this process may use. */
    static int physicalCores() {
        int available = Runtime.getRuntime().availableProcessors();
        Set<String> cores = new HashSet<>();
        try (Stream<Path> cpus = Files.list(SYSTEM_CPUS)) {
            cpus.filter(p -> p.getFileName().toString().matches("cpu\\d+"))
                    .map(p -> lines(p.resolve("topology/thread_siblings_list")))
                    .filter(l -> !l.isEmpty())
                    .forEach(l -> cores.add(l.getFirst()));
        } catch (IOException e) {
            return available;
        }
        return cores.isEmpty() ? available : Math.min(available, cores.size());
    }

    /** Bytes of memory of the machine; 0 where nothing says. */
    static long totalMemory() {
        return meminfo("MemTotal").or(() -> managed("TotalMemorySize")).orElse(0L);
    }

    /** Bytes that can be had without swapping, also within the limit of a container; Long.MAX_VALUE where nothing says. */
    static long freeMemory() {
        long free = meminfo("MemAvailable").or(() -> managed("FreeMemorySize")).orElse(Long.MAX_VALUE);
        Optional<Long> limit = number(CGROUP.resolve("memory.max"));
        Optional<Long> used = number(CGROUP.resolve("memory.current"));
        if (limit.isPresent() && used.isPresent()) {
            free = Math.min(free, Math.max(0, limit.get() - used.get() + reclaimable()));
        }
        return free;
    }

    private static long reclaimable() {
        return lines(CGROUP.resolve("memory.stat")).stream()
                .filter(l -> l.startsWith("inactive_file "))
                .mapToLong(l -> Long.parseLong(l.substring(l.indexOf(' ') + 1).strip()))
                .sum();
    }

    private static Optional<Long> number(Path file) {
        return lines(file).stream()
                .filter(l -> l.matches("\\d{1,18}"))
                .map(Long::valueOf)
                .findFirst();
    }

    private static Optional<Long> meminfo(String key) {
        return lines(Path.of("/proc/meminfo")).stream()
                .filter(l -> l.startsWith(key + ":"))
                .map(l -> 1024 * Long.parseLong(l.replaceAll("\\D", "")))
                .findFirst();
    }

    /** By name, so that jdk.management is not needed to load this class. */
    private static Optional<Long> managed(String attribute) {
        try {
            Object value = ManagementFactory.getPlatformMBeanServer()
                    .getAttribute(new ObjectName("java.lang:type=OperatingSystem"), attribute);
            return value instanceof Long bytes ? Optional.of(bytes) : Optional.empty();
        } catch (JMException | LinkageError e) {
            return Optional.empty();
        }
    }

    private static List<String> lines(Path file) {
        try {
            return Files.isReadable(file) ? Files.readAllLines(file, StandardCharsets.ISO_8859_1) : List.of();
        } catch (IOException e) {
            return List.of();
        }
    }
}
