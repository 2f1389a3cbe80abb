package dev.fovea.tools;

import java.io.PrintWriter;
import java.io.StringWriter;

/**
 * What a command printed and returned, run inside this process.
 *
 * @param code exit code
 */
public record Cli(int code, String out, String err) {
    public static Cli run(String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.execute(new PrintWriter(out), new PrintWriter(err), args);
        return new Cli(code, out.toString(), err.toString());
    }
}
