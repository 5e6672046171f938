package dev.weft.bench;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * {@code weft bench [REGEX] [JMH options]} runs the JMH suites; {@code weft bench --goals} prints
 * the table of {@link GoalsReport}.
 */
public final class Main {
  private Main() {}

  /**
   * Runs what the arguments ask for.
   *
   * @throws IOException if JMH cannot read its benchmark list
   */
  public static void main(String[] args) throws IOException {
    if (args.length > 0 && args[0].equals("--goals")) {
      PrintStream out =
          new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
      System.exit(GoalsReport.main(Arrays.copyOfRange(args, 1, args.length), out));
    }
    org.openjdk.jmh.Main.main(args);
  }
}
