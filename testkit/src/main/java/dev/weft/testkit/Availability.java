package dev.weft.testkit;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.BackendUnavailableException;
import dev.weft.Weft;
import java.util.Arrays;
import java.util.function.Supplier;
import org.junit.jupiter.api.Assumptions;

/**
 * Opens backends for tests, and says what else there is. A backend that cannot run here skips the
 * test with its probe's reason, unless the system property {@value #REQUIRE} lists it: then the
 * test fails.
 */
public final class Availability {
  /**
   * Names of what a test run must have, separated by commas: {@code gpu}, {@code cpu-512}, {@code
   * browser}, {@code numpy}, {@code libpython}, {@code python}, {@code gcc}, {@code g++}, {@code
   * exec}, {@code bash}, {@code full}, {@code mount}. CONTRIBUTING.md says what each is.
   */
  public static final String REQUIRE = "weft.test.require";

  /** {@code widest} or {@code all}: see {@link #needWidest}. */
  public static final String WIDTHS = "weft.test.widths";

  private Availability() {}

  /**
   * The backend, or a skipped test.
   *
   * @param capability its name in {@value #REQUIRE}
   */
  public static Backend open(String capability, String name, BackendOptions options) {
    try {
      return Weft.open(name, options);
    } catch (BackendUnavailableException e) {
      if (isRequired(capability)) {
        throw e;
      }
      return Assumptions.abort(e.getMessage());
    }
  }

  /**
   * Skips the test if something is not there.
   *
   * @param capability its name in {@value #REQUIRE}
   * @param there whether it is
   * @param reason why the test is skipped, or fails
   */
  public static void need(String capability, boolean there, Supplier<String> reason) {
    if (!there && isRequired(capability)) {
      throw new AssertionError(reason.get());
    }
    Assumptions.assumeTrue(there, reason);
  }

  /**
   * Skips a contract on vectors that are narrower than this machine's, unless the system property
   * {@value #WIDTHS} is {@code all}.
   */
  public static void needWidest(int bits, int widest) {
    Assumptions.assumeTrue(
        bits >= widest || System.getProperty(WIDTHS, "all").equals("all"),
        () ->
            "this machine has vectors of "
                + widest
                + " bits; of "
                + bits
                + " bits they run this in the profile big, or with -D"
                + WIDTHS
                + "=all");
  }

  private static boolean isRequired(String capability) {
    return Arrays.asList(System.getProperty(REQUIRE, "").split(",")).contains(capability);
  }
}
