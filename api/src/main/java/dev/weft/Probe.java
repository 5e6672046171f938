package dev.weft;

import java.util.Objects;

/**
 * Whether a backend can run here, and if not, why and what to do.
 *
 * @param available whether it can be opened
 * @param detail what was found: vector width and threads, or device and driver
 * @param reason why it is unavailable or slower than it could be; empty if neither
 * @param remedy what to do about it; empty if nothing
 * @since 0.1
 */
public record Probe(boolean available, String detail, String reason, String remedy) {
  /** Checks that no text is null. */
  public Probe {
    Objects.requireNonNull(detail, "detail");
    Objects.requireNonNull(reason, "reason");
    Objects.requireNonNull(remedy, "remedy");
  }

  /** An available backend. */
  public static Probe available(String detail) {
    return new Probe(true, detail, "", "");
  }

  /** A backend that cannot run here. */
  public static Probe unavailable(String reason, String remedy) {
    return new Probe(false, "", reason, remedy);
  }
}
