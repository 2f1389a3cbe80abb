package dev.fovea.kernels;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * PTX for NVIDIA's sm_90 turned into PTX for sm_90a. The OpenCL driver compiles for sm_90 only, which lacks {@code wgmma} and
 * {@code setmaxnreg}, but loads sm_90a as a binary: so kernels write those in inline assembly behind a comment, which this removes.
 */
public final class HopperPtx {
    /** What stands in front of an instruction that only sm_90a has: a comment to the assembler, so that sm_90 builds. */
    public static final String MARKER = "//#";

    private static final Pattern TARGET = Pattern.compile("\\.target(\\s+)sm_90\\w*");
    private static final Pattern GROUP_SIZE = Pattern.compile("\\.reqntid\\s+\\d+\\s*,\\s*\\d+\\s*,\\s*\\d+");

    private HopperPtx() {}

    /** The text for sm_90a; throws {@code IllegalArgumentException} if what the driver gave is no PTX for sm_90. */
    public static String of(String driverBinary) {
        String ptx = driverBinary.substring(0, driverBinary.lastIndexOf('}') + 1); // binary data follows
        Matcher target = TARGET.matcher(ptx);
        if (!target.find()) {
            throw new IllegalArgumentException("the driver's binary is no PTX for sm_90");
        }
        String text = target.replaceAll(".target$1sm_90a").replace(MARKER, " ".repeat(MARKER.length()));
        // without it setmaxnreg is ignored
        return GROUP_SIZE.matcher(text).replaceAll("$0\n.minnctapersm 1") + "\n";
    }
}
