package dev.weft;

import dev.weft.spi.BackendProvider;
import dev.weft.spi.Engine;
import java.util.List;

/** Backends in every state: missing, failing when opened, good, second best. */
public final class ListedProvider implements BackendProvider {
  @Override
  public List<BackendInfo> backends() {
    return List.of(
        new BackendInfo("spare", 1, Probe.available("slow")),
        new BackendInfo("gpu", 9, Probe.unavailable("no driver", "install one")),
        new BackendInfo("flaky", 5, Probe.available("breaks")),
        new BackendInfo("plain", 3, new Probe(true, "good", "no vectors", "add the module")));
  }

  @Override
  public Engine open(String name, BackendOptions options) {
    if (name.equals("flaky")) {
      throw new BackendUnavailableException("open: flaky broke");
    }
    return new HeapEngine(name);
  }
}
