package dev.weft.spi;

import dev.weft.BackendInfo;
import dev.weft.BackendOptions;
import java.util.List;

/** A family of backends, found through {@link java.util.ServiceLoader}. */
public interface BackendProvider {
  /**
   * Every backend of this family with its probe, the best first. Never throws and never loads more
   * than a probe needs.
   */
  List<BackendInfo> backends();

  /**
   * Opens one of {@link #backends}.
   *
   * @throws dev.weft.BackendUnavailableException with the probe's reason and remedy
   */
  Engine open(String name, BackendOptions options);
}
