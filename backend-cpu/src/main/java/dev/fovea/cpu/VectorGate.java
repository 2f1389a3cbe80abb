package dev.fovea.cpu;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Whether this JVM runs the Vector API well. Where it does not, vectors are boxed and many times slower than plain loops. */
final class VectorGate {
    private VectorGate() {}

    /** One sentence for each reason against vectors, with the remedy; empty if there is none. */
    static List<String> refusals() {
        String info = System.getProperty("java.vm.info", "").toLowerCase(Locale.ROOT);
        String arch = System.getProperty("os.arch", "");
        List<String> all = new ArrayList<>();
        if (!resolved("jdk.incubator.vector")) {
            all.add("scalar path: start Java with --add-modules jdk.incubator.vector");
        }
        if (resolved("jdk.internal.vm.ci")) {
            all.add(
                    "scalar path: the JVMCI compiler does not compile the Vector API well; start Java without it, with C2");
        }
        if (info.contains("interpreted")) {
            all.add("scalar path: there is no compiler; start Java without -Xint");
        } else if (info.contains("emulated-client")) {
            all.add("scalar path: only C1 compiles; start Java without -XX:TieredStopAtLevel");
        }
        if ((arch.equals("amd64") || arch.equals("x86_64")) && !Host.hasFma()) {
            all.add("scalar path: this processor has no FMA; use one of the last ten years");
        }
        if (all.isEmpty() && Species.FLOATS.vectorBitSize() < 128) {
            all.add("scalar path: vectors are narrower than 128 bits; start Java without -XX:MaxVectorSize");
        }
        return all;
    }

    /** One sentence for each way to faster vectors, with what to do; empty if there is none. */
    static List<String> advice() {
        return Host.leavesAvx512()
                ? List.of(
                        "256-bit vectors: the JVM leaves this processor's AVX-512 unused, with which many query rows take"
                                + " two thirds of the time; start Java with -XX:UseAVX=3")
                : List.of();
    }

    private static boolean resolved(String module) {
        return ModuleLayer.boot().findModule(module).isPresent();
    }
}
