package dev.fovea.opencl.runtime;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a compiler said; registers are those of NVIDIA's under {@code -cl-nv-verbose}, spills of NVIDIA's and Intel's. Other logs hold neither. */
record BuildLog(String text) {
    private static final Pattern SPILLS = Pattern.compile("(\\d+) bytes spill stores");
    /** Intel's does not say of what unit it is the number. */
    private static final Pattern INTEL_SPILLS = Pattern.compile("spilled around [1-9]");
    /** C7510, C7512 and C7520; C7519 only announces moves of registers. */
    private static final Pattern SERIALISED = Pattern.compile("C7510|C7512|C7520");

    /** Eight registers. ptxas puts a few aside around a piece of work, of thousands of instructions; what they cost has not been measured. */
    private static final int FEW_BYTES = 32;

    /** Why a kernel for a matrix engine is not worth running: the line that says so. */
    Optional<String> objection() {
        return text.lines()
                .filter(line -> spilled(line) > FEW_BYTES
                        || SERIALISED.matcher(line).find()
                        || INTEL_SPILLS.matcher(line).find())
                .map(String::strip)
                .findFirst();
    }

    /** Bytes of registers that the functions of the program spill. */
    OptionalInt spilledBytes() {
        return SPILLS.matcher(text).find()
                ? OptionalInt.of(text.lines().mapToInt(BuildLog::spilled).sum())
                : OptionalInt.empty();
    }

    /** Registers of a work-item of a kernel. */
    OptionalInt registers(String entry) {
        Matcher m = Pattern.compile("entry function '" + Pattern.quote(entry) + "'[\\s\\S]*?Used (\\d+) registers")
                .matcher(text);
        return m.find() ? OptionalInt.of(Integer.parseInt(m.group(1))) : OptionalInt.empty();
    }

    private static int spilled(String line) {
        Matcher m = SPILLS.matcher(line);
        return m.find() ? Integer.parseInt(m.group(1)) : 0;
    }
}
