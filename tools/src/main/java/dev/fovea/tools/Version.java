package dev.fovea.tools;

import picocli.CommandLine.IVersionProvider;

/** What {@code --version} prints. */
final class Version implements IVersionProvider {
    /** The version of the jar; {@code development} where classes run from a folder. */
    static String fovea() {
        String version = Version.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }

    static String java() {
        return Runtime.version() + " (" + System.getProperty("java.vm.name") + ", " + System.getProperty("java.vendor")
                + ")";
    }

    @Override
    public String[] getVersion() {
        return new String[] {"fovea " + fovea(), "Java " + java()};
    }
}
