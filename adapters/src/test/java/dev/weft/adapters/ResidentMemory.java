package dev.weft.adapters;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.testkit.Availability;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Tells whether native memory is given back, from what the process holds. */
final class ResidentMemory {
  /** Bytes that one use takes: far more than everything else that a test does. */
  static final int BYTES = 64 << 20;

  private static final int USES = 24;
  private static final long PAGE = 4096;
  private static final Path STATM = Path.of("/proc/self/statm");

  private ResidentMemory() {}

  /** Fails unless {@code use}, which writes {@link #BYTES} of new memory, gives them back. */
  static void assertGivenBack(Runnable use) {
    Availability.need("proc", Files.isReadable(STATM), () -> "no " + STATM);
    use.run();
    long before = bytes();
    for (int i = 0; i < USES; i++) {
      use.run();
    }
    assertThat(bytes() - before).isLessThan((long) USES / 2 * BYTES);
  }

  private static long bytes() {
    try {
      return Long.parseLong(Files.readString(STATM).split(" ")[1]) * PAGE;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
