package dev.fovea.opencl.runtime;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Looks for the OpenCL loader before JOCL does, which prints on standard output what it fails to load. Nothing here touches JOCL.
 */
public final class OpenClLibrary {
    private static final String INSTALL =
            "install an OpenCL loader and your GPU's OpenCL driver (on Debian: apt-get install ocl-icd-libopencl1)";

    private OpenClLibrary() {}

    /** Why something is not there, and what to do; half a sentence each. */
    public record Absence(String reason, String remedy) {}

    /** Names of the loader on this operating system, the likeliest first. */
    public static List<String> names() {
        String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
        if (os.contains("win")) {
            return List.of("OpenCL.dll");
        }
        if (os.contains("mac")) {
            return List.of("/System/Library/Frameworks/OpenCL.framework/OpenCL");
        }
        return List.of("libOpenCL.so.1", "libOpenCL.so");
    }

    /** What keeps OpenCL from being used, or nothing. */
    public static Optional<Absence> absence(List<String> names) {
        try {
            if (names.stream().anyMatch(OpenClLibrary::isThere)) {
                return Optional.empty();
            }
        } catch (IllegalCallerException e) {
            return Optional.of(
                    new Absence("native access is denied to it", "start java with --enable-native-access=ALL-UNNAMED"));
        }
        return Optional.of(new Absence("there is no OpenCL library (" + String.join(", ", names) + ")", INSTALL));
    }

    @SuppressWarnings("restricted") // the caller has to grant native access anyway, for JOCL
    private static boolean isThere(String name) {
        try (Arena arena = Arena.ofConfined()) {
            return SymbolLookup.libraryLookup(name, arena)
                    .find("clGetPlatformIDs")
                    .isPresent();
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
