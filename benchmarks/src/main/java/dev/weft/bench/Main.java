package dev.weft.bench;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * {@code weft bench [REGEX] [JMH options]} runs the JMH suites; {@code weft bench --goals} prints
 * the table of {@link GoalsReport}; {@code weft bench --suite} is {@link SuiteCommand}; {@code weft
 * bench --soak MINUTES} is {@link SoakCommand}; {@code weft bench --turns --peers [ROUNDS [REGEX
 * [THREADS]]]} lets the libraries take turns. Suites that need a GPU are left out where there is
 * none. With other libraries, or held to narrower vectors, all runs in a process that is started
 * again in a {@link PeerEnvironment}.
 */
public final class Main {
  private static final int FAILED = 1;
  private static final int USAGE = 2;
  private static final String PEERS = "--peers";
  private static final String TURNS = "--turns";
  private static final String PEER_REPORT = "dev.weft.bench.PeerReport"; // of the profile peers

  /** Exit code where the only suites asked for need a backend that is not there. */
  private static final int UNAVAILABLE = 3;

  private Main() {}

  /**
   * Runs what the arguments ask for.
   *
   * @throws IOException if JMH cannot read its benchmark list
   */
  public static void main(String[] args) throws IOException {
    PrintStream out =
        new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    List<String> all = List.of(args);
    boolean avx2 = all.contains(SuiteCommand.AVX2);
    if ((avx2 || all.contains(PEERS)) && !PeerEnvironment.isApplied(System.getenv())) {
      PeerEnvironment.Width width =
          avx2 ? PeerEnvironment.Width.AVX2 : PeerEnvironment.Width.WIDEST;
      System.exit(Relaunch.main(args, PeerEnvironment.here(width)));
    }
    if (all.stream().anyMatch(arg -> arg.matches("--(suite|against)(=.*)?"))) {
      System.exit(SuiteCommand.run(all, out, System.err));
    }
    List<String> rest = // what those two ask for is done
        all.stream().filter(arg -> !List.of(PEERS, SuiteCommand.AVX2).contains(arg)).toList();
    if (!rest.isEmpty() && rest.getFirst().equals("--goals")) {
      System.exit(GoalsReport.main(rest.stream().skip(1).toArray(String[]::new), out));
    }
    if (!rest.isEmpty() && rest.getFirst().equals(SoakCommand.OPTION)) {
      System.exit(SoakCommand.run(rest.subList(1, rest.size()), out, System.err));
    }
    if (!rest.isEmpty() && rest.getFirst().equals(TURNS)) {
      System.exit(turns(rest.subList(1, rest.size())));
    }
    Optional<List<String>> able =
        GpuSuites.arguments(rest, GpuSuites.missing(), System.err::println);
    if (able.isEmpty()) {
      System.exit(UNAVAILABLE);
    }
    org.openjdk.jmh.Main.main(able.get().toArray(String[]::new));
  }

  /** Runs what only a build with the other libraries has; returns its exit code. */
  private static int turns(List<String> args) {
    Object array = args.toArray(String[]::new);
    try {
      Class.forName(PEER_REPORT).getMethod("main", String[].class).invoke(null, array);
      return 0;
    } catch (ClassNotFoundException e) {
      System.err.println("weft bench: " + TURNS + ": need --peers, which builds other libraries");
      return USAGE;
    } catch (InvocationTargetException e) {
      System.err.println("weft bench: " + e.getCause().getMessage());
      return e.getCause() instanceof IllegalArgumentException ? USAGE : FAILED;
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }
}
