package dev.weft.testkit;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.BackendUnavailableException;
import dev.weft.Weft;
import java.util.Arrays;
import org.junit.jupiter.api.Assumptions;

/**
 * Opens backends for tests. One that cannot run here skips the test with its probe's reason, unless
 * the system property {@value #REQUIRE} lists it: then the test fails.
 */
public final class Availability {
  /** Names a test run must have, separated by commas: {@code gpu}, {@code cpu-512}. */
  public static final String REQUIRE = "weft.test.require";

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

  private static boolean isRequired(String capability) {
    return Arrays.asList(System.getProperty(REQUIRE, "").split(",")).contains(capability);
  }
}
