package dev.fovea.tools.bench.gpu;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Clock and power of the first NVIDIA GPU, sampled while cases run; nothing where there is no {@code nvidia-smi}. */
final class GpuClocks implements AutoCloseable {
    private static final List<String> COMMAND = List.of(
            "nvidia-smi", "-i", "0", "--query-gpu=clocks.sm,power.draw", "--format=csv,noheader,nounits", "-lms", "50");

    private final @Nullable Process process;
    private double clocks;
    private double watts;
    private int samples;

    GpuClocks() {
        Process p = null;
        try {
            p = new ProcessBuilder(COMMAND)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            Process started = p;
            Thread.ofPlatform().daemon().name("gpu clocks").start(() -> read(started));
        } catch (IOException e) {
            System.getLogger(GpuClocks.class.getName()).log(System.Logger.Level.DEBUG, "no nvidia-smi", e);
        }
        this.process = p;
    }

    private void read(Process p) {
        try (BufferedReader lines = p.inputReader()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] numbers = line.split(",");
                if (numbers.length == 2) {
                    add(Double.parseDouble(numbers[0].strip()), Double.parseDouble(numbers[1].strip()));
                }
            }
        } catch (IOException | NumberFormatException e) {
            System.getLogger(GpuClocks.class.getName()).log(System.Logger.Level.DEBUG, "nvidia-smi", e);
        }
    }

    private synchronized void add(double megahertz, double power) {
        clocks += megahertz;
        watts += power;
        samples++;
    }

    /** Means since the last call; NaN without samples. */
    record Sample(double megahertz, double watts) {}

    synchronized Sample sinceLast() {
        Sample s =
                new Sample(samples == 0 ? Double.NaN : clocks / samples, samples == 0 ? Double.NaN : watts / samples);
        clocks = 0;
        watts = 0;
        samples = 0;
        return s;
    }

    @Override
    public void close() {
        if (process != null) {
            process.destroy();
        }
    }
}
