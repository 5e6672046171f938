package dev.weft.cpu;

import dev.weft.BackendInfo;
import dev.weft.BackendOptions;
import dev.weft.BackendUnavailableException;
import dev.weft.Probe;
import dev.weft.cpu.scalar.ScalarFillKernels;
import dev.weft.internal.Checks;
import dev.weft.spi.BackendProvider;
import dev.weft.spi.Engine;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/** Offers {@code cpu}, in vectors where the probe finds them, and {@code scalar}. */
public final class CpuProvider implements BackendProvider {
  private static final System.Logger LOG = System.getLogger("dev.weft");
  private static final AtomicBoolean WARNED = new AtomicBoolean();

  @Override
  public List<BackendInfo> backends() {
    return List.of(
        new BackendInfo("cpu", 200, cpuProbe(VectorProbe.get())),
        new BackendInfo("scalar", 100, scalarProbe()));
  }

  @Override
  public Engine open(String name, BackendOptions options) {
    int threads =
        options.threads() > 0 ? options.threads() : Runtime.getRuntime().availableProcessors();
    if (name.equals("scalar")) {
      if (options.vectorBits() != 0) {
        throw Checks.bad(
            "open", "need vectorBits 0 for scalar", "vectorBits", options.vectorBits());
      }
      VectorProbe.get()
          .slowness()
          .ifPresent(slow -> warnOnce("scalar is slow here", slow.reason(), slow.remedy()));
      return new CpuEngine(
          new BackendInfo(name, 100, detail("scalar", threads)),
          new ScalarFillKernels(),
          threads,
          options);
    }
    VectorProbe vectors = VectorProbe.get();
    if (vectors.bits() == 0) {
      if (options.vectorBits() != 0) {
        throw new BackendUnavailableException(
            "open: no vectors of "
                + options.vectorBits()
                + " bits: "
                + vectors.reason()
                + "; remedy: "
                + vectors.remedy());
      }
      warnOnce("cpu runs scalar", vectors.reason(), vectors.remedy());
      return new CpuEngine(
          new BackendInfo(name, 200, detail("scalar", threads)),
          new ScalarFillKernels(),
          threads,
          options);
    }
    int bits = options.vectorBits() != 0 ? options.vectorBits() : vectors.bits();
    if (bits > vectors.bits()) {
      throw new BackendUnavailableException(
          Checks.message(
              "open",
              "need vectorBits <= " + vectors.bits() + ", the processor's",
              "vectorBits",
              bits));
    }
    return new CpuEngine(
        new BackendInfo(name, 200, detail(bits + "-bit vectors", threads)),
        options.vectorBits() != 0 ? vectors.kernels(bits) : vectors.gradualKernels(),
        threads,
        options);
  }

  /** A line of what slows everything down, for the first backend that meets it. */
  private static void warnOnce(String what, String reason, String remedy) {
    if (WARNED.compareAndSet(false, true)) {
      LOG.log(System.Logger.Level.WARNING, "{0}: {1}; remedy: {2}", what, reason, remedy);
    }
  }

  private static Probe cpuProbe(VectorProbe vectors) {
    int threads = Runtime.getRuntime().availableProcessors();
    if (vectors.bits() == 0) {
      return new Probe(true, threads + " threads, scalar", vectors.reason(), vectors.remedy());
    }
    return detail(vectors.bits() + "-bit vectors", threads);
  }

  private static Probe scalarProbe() {
    Probe probe = detail("scalar", Runtime.getRuntime().availableProcessors());
    return VectorProbe.get()
        .slowness()
        .map(slow -> new Probe(true, probe.detail(), slow.reason(), slow.remedy()))
        .orElse(probe);
  }

  private static Probe detail(String technique, int threads) {
    return Probe.available(technique + ", " + threads + (threads == 1 ? " thread" : " threads"));
  }
}
