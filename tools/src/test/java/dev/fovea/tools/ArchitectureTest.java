package dev.fovea.tools;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption.Predefined;
import dev.fovea.api.Tensor;
import dev.fovea.api.spi.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Which module may use which: the arrows of docs/architecture.md, in class files and, for inlined constants, in sources. */
class ArchitectureTest {
    /** Package of each module under dev.fovea, and what else its classes may depend on beside the JDK and JSpecify. */
    private static final Map<String, List<String>> ALLOWED = Map.of(
            "api", List.of(),
            "cpu", List.of("dev.fovea.api..", "jdk.incubator.vector.."),
            "kernels", List.of("dev.fovea.api.."),
            "opencl", List.of("dev.fovea.api..", "dev.fovea.kernels..", "org.jocl.."),
            "mechanisms", List.of("dev.fovea.api.."),
            "conformance", List.of("dev.fovea.api..", "dev.fovea.mechanisms.."),
            "tools",
                    List.of(
                            "dev.fovea.api..",
                            "dev.fovea.mechanisms..",
                            "dev.fovea.conformance..",
                            "picocli..",
                            "com.google.gson.."));

    private static final Pattern COMMENT = Pattern.compile("(?s)/\\*.*?\\*/|//[^\n]*");
    private static final Pattern MODULE_USED = Pattern.compile("\\bdev\\.fovea\\.(\\w+)");

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.fovea");

    @Test
    void classesDependOnlyAsTheArrowsPoint() {
        ALLOWED.forEach((module, allowed) -> {
            List<String> packages = new ArrayList<>(allowed);
            packages.addAll(List.of("dev.fovea." + module + "..", "java..", "javax..", "org.jspecify.."));
            classes()
                    .that()
                    .resideInAPackage("dev.fovea." + module + "..")
                    .should()
                    .onlyDependOnClassesThat()
                    .resideInAnyPackage(packages.toArray(String[]::new))
                    .allowEmptyShould(true)
                    .check(CLASSES);
        });
    }

    @Test
    void everyModuleIsLookedAt() {
        TreeSet<String> seen = CLASSES.stream()
                .map(c -> c.getPackageName().split("\\.")[2])
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(ALLOWED.keySet()).containsAll(seen);
        assertThat(seen).contains("api", "cpu", "opencl", "kernels", "mechanisms", "conformance", "tools");
    }

    /** A mechanism that waited for numbers would stop a GPU's queue; nothing that it can call reads a tensor back either. */
    @Test
    void mechanismsReadNothingBack() {
        TreeSet<String> readers = CLASSES.stream()
                .filter(c -> c.getPackageName().startsWith("dev.fovea.api")
                        || c.getPackageName().startsWith("dev.fovea.mechanisms"))
                .flatMap(c -> c.getMethodCallsFromSelf().stream())
                .filter(call -> call.getTargetOwner().isEquivalentTo(Tensor.class)
                                && List.of("toFloatArray", "toIntArray").contains(call.getName())
                        || call.getTargetOwner().isEquivalentTo(Storage.class)
                                && call.getName().equals("read"))
                .map(call -> call.getOriginOwner().getName())
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(readers).containsExactly(Tensor.class.getName());
    }

    @Test
    void onePackageImportsJocl() {
        TreeSet<String> users = CLASSES.stream()
                .filter(c -> c.getDirectDependenciesFromSelf().stream()
                        .anyMatch(d -> d.getTargetClass().getPackageName().startsWith("org.jocl")))
                .map(c -> c.getPackageName())
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(users).hasSizeLessThanOrEqualTo(1).allMatch(p -> p.startsWith("dev.fovea.opencl"));
    }

    /** javac copies constants such as CL_SUCCESS into the class that uses them and leaves no trace of where they came from. */
    @Test
    void sourcesNameOnlyWhatTheyMay() throws IOException {
        TreeSet<Path> jocl = new TreeSet<>();
        for (Path source : sources()) {
            String module = "" + source.subpath(1, source.getNameCount());
            String code = COMMENT.matcher(Files.readString(source)).replaceAll("");
            if (code.contains("org.jocl")) {
                jocl.add(source.getParent());
            }
            if (code.contains("jdk.incubator")) {
                assertThat(module).as("uses jdk.incubator").startsWith("backend-cpu/");
            }
            Matcher used = MODULE_USED.matcher(code);
            String own = module.replaceFirst(".*/dev/fovea/(\\w+)/.*", "$1");
            while (used.find()) {
                String other = used.group(1);
                boolean may = other.equals(own)
                        || List.of("demo", "peers").contains(own)
                                && List.of("api", "tools").contains(other)
                        || ALLOWED.getOrDefault(own, List.of()).contains("dev.fovea." + other + "..");
                assertThat(may).as(source + " names dev.fovea." + other).isTrue();
            }
        }
        assertThat(jocl).hasSizeLessThanOrEqualTo(1).allMatch(p -> p.startsWith("../backend-opencl"));
    }

    private static List<Path> sources() throws IOException {
        List<Path> all = new ArrayList<>();
        try (Stream<Path> poms = Files.find(Path.of(".."), 3, (path, _) -> path.endsWith("pom.xml"))) {
            for (Path pom : poms.toList()) {
                Path main = pom.resolveSibling("src/main/java");
                if (Files.isDirectory(main)) {
                    try (Stream<Path> files = Files.walk(main)) {
                        files.filter(f -> f.toString().endsWith(".java")).forEach(all::add);
                    }
                }
            }
        }
        assertThat(all).hasSizeGreaterThan(100);
        return all;
    }

    @Test
    void filesStayUnder600Lines() throws IOException {
        for (Path source : sources()) {
            try (Stream<String> lines = Files.lines(source)) {
                assertThat(lines.count()).as(source.toString()).isLessThan(600);
            }
        }
    }
}
