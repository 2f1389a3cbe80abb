package dev.fovea.tools.bench;

import dev.fovea.api.spi.DeviceInfo;
import dev.fovea.tools.Environment;
import dev.fovea.tools.Json;
import java.util.Locale;

/**
 * A case's times.
 *
 * @param plan the kernel and path, in the backend's words
 * @param clock what the times are of
 * @param wallMedianMillis from the call to its end, whatever the clock is
 * @param warmups runs before the first that counts
 * @param checkedShare error of the sampled rows as a share of what is allowed
 */
record BenchResult(
        DeviceInfo device,
        BenchCase testCase,
        String plan,
        String clock,
        int warmups,
        int runs,
        double medianMillis,
        double minMillis,
        double wallMedianMillis,
        double checkedShare) {

    double teraflops() {
        return testCase.flops() / medianMillis / 1e9;
    }

    double gigabytesPerSecond() {
        return testCase.bytes() / medianMillis / 1e6;
    }

    static String header() {
        return String.format(
                Locale.ROOT,
                "%-28s %-5s %-22s %-18s %10s %10s %9s %8s %6s",
                "device",
                "dtype",
                "shape",
                "options",
                "median ms",
                "min ms",
                "TFLOP/s",
                "GB/s",
                "runs");
    }

    String line() {
        return String.format(
                Locale.ROOT,
                "%-28s %-5s %-22s %-18s %10.3f %10.3f %9.4f %8.1f %6d",
                device.id(),
                testCase.type(),
                testCase.shape(),
                testCase.options(),
                medianMillis,
                minMillis,
                teraflops(),
                gigabytesPerSecond(),
                runs);
    }

    String json(Environment environment) {
        BenchShape s = testCase.shape();
        return Json.line(j -> j.field("device", device.id())
                .field("name", device.name())
                .field("driver", device.driver())
                .field("dtype", testCase.type())
                .field("shape", s.toString())
                .field("batch", s.batch())
                .field("heads", s.heads())
                .field("kvHeads", s.keyHeads())
                .field("queries", s.queries())
                .field("keys", s.keys())
                .field("headDim", s.headDim())
                .field("options", testCase.options())
                .field("plan", plan)
                .field("clock", clock)
                .field("medianMs", medianMillis)
                .field("minMs", minMillis)
                .field("wallMedianMs", wallMedianMillis)
                .field("tflops", teraflops())
                .field("gbs", gigabytesPerSecond())
                .field("flops", testCase.flops())
                .field("warmups", warmups)
                .field("runs", runs)
                .field("checkedRows", RowCheck.ROWS)
                .field("checkedErrorShare", checkedShare)
                .object("environment", environment::write));
    }
}
